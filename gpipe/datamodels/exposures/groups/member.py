"""Members of a group: metadata and small results in memory, pixels wherever they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from gpipe.arrays import Array
from gpipe.backends import Backend
from gpipe.datamodels.exposures.chunks import arrays_of
from gpipe.datamodels.exposures.groups.array_store import ArrayStore, Stored
from gpipe.datamodels.exposures.in_flight import Exposure, Outline
from gpipe.exceptions import InputError


class Pixels(Protocol):
    """The pixels of a member; each call reads them anew where they are in a file.

    Attributes
    ----------
    stored : the arrays by name, as far as they are in a store or stay in a file.
    """

    @property
    def stored(self) -> Mapping[str, Stored]: ...

    def exposure(self, backend: Backend) -> Exposure:
        """Bring all of them to a device."""

    def rows(self, plane: str, rows: slice, backend: Backend) -> Array:
        """Bring some rows of one plane to a device."""


@dataclass(frozen=True)
class Member:
    """One exposure of a group.

    Attributes
    ----------
    name : for messages, that of its file.
    header : its ``stdatamodels`` model without pixels.
    kind, shape : of the exposure, and of its science pixels.
    pixels : its pixels, wherever they are.
    group_id : the same for exposures that several detectors took at once; None where nobody says.
    results : small results of steps by name, which go with the member from step to step; changed in place.
    """

    name: str
    header: Any
    kind: type[Exposure]
    shape: tuple[int, ...]
    pixels: Pixels
    group_id: str | None = None
    results: dict[str, Any] = field(default_factory=dict)

    @property
    def meta(self) -> Any:
        """The ``stdatamodels`` metadata tree."""
        return self.header.meta

    def outline(self, backend: Backend) -> Outline:
        """Describe the exposure before its pixels are read."""
        return Outline(self.header, backend, self.shape)

    def with_pixels(self, exposure: Exposure, store: ArrayStore, *, before: Exposure) -> "Member":
        """The member with new pixels.

        ``before`` are the pixels as they were handed out. Arrays that are still the same are not stored again.
        """
        pixels = stored_pixels(exposure, store, before=before, known=self.pixels.stored)
        return replace(
            self,
            header=exposure.header,
            kind=type(exposure),
            shape=exposure.shape,
            pixels=pixels,
            results=dict(self.results),
        )


@dataclass(frozen=True)
class StoredPixels:
    """Pixels in a store.

    Attributes
    ----------
    outside : the exposure, with what the store holds in place of its arrays.
    stored : these, by name.
    """

    outside: Any
    stored: Mapping[str, Stored]

    def exposure(self, backend: Backend) -> Exposure:
        """Bring all of them to a device."""
        arrays = {name: array.read(backend) for name, array in self.stored.items()}
        return replace(self.outside, backend=backend, **arrays)

    def rows(self, plane: str, rows: slice, backend: Backend) -> Array:
        """Bring some rows of one plane to a device. InputError: it has no such plane."""
        if plane not in self.stored:
            raise InputError(f"found no {plane}; expected one of {', '.join(self.stored)}")
        return self.stored[plane].read(backend, rows)


def stored_pixels(
    exposure: Any, store: ArrayStore, *, before: Any = None, known: Mapping[str, Stored] | None = None
) -> StoredPixels:
    """Put the arrays of an exposure into a store, but for those of ``before`` that are ``known`` to one already."""
    known = known or {}

    def put(name: str, array: Array) -> Stored:
        is_known = name in known and array is getattr(before, name, None)
        return known[name] if is_known else store.put(array)

    stored = {name: put(name, array) for name, array in arrays_of(exposure)}
    return StoredPixels(replace(exposure, **stored), stored)
