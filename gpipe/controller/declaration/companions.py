"""Companions: files that an association gives beside the science exposure, by their part in it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpipe.associations import find_file, places_of
from gpipe.backends import Backend
from gpipe.datamodels import Exposure, Header, open_exposure, read_header
from gpipe.exceptions import InputError
from gpipe.forks import cached_property


@dataclass(frozen=True)
class Companion:
    """One file of an association, or what a step made of it.

    Attributes
    ----------
    name : as the association gives it, or of the exposure.
    folder : of the association; None where it is no file.
    role : the association, its product and member, for messages.
    exposure : in flight, where a step has made one of the file.
    """

    name: str
    folder: Path | None = None
    role: str = ""
    exposure: Exposure | None = None

    @cached_property
    def path(self) -> Path:
        """The path of the file, for catalogues and whatever else is no exposure. InputError: it is not to be found."""
        if self.exposure is not None:
            raise InputError.at(self.name, "an exposure in flight", "a file")
        return find_file(self.name, self.folder, self.role)

    @property
    def places(self) -> list[Path]:
        """The paths under which the file may be; none of what a step made."""
        return [] if self.exposure is not None else places_of(self.name, self.folder)

    def header(self, *kinds: type[Exposure]) -> Header:
        """Read the metadata of an exposure. InputError: it is none of these kinds, where some are given."""
        return read_header(self.exposure or self.path, expects=kinds)

    def open(self, backend: Backend) -> Any:
        """Load an exposure onto a device. Nothing of it stays with the companion."""
        return open_exposure(self.header(), backend)


class Companions:
    """Companions by exptype, in lower case: ``companions["background"]``, an empty tuple where there are none.

    Parameters
    ----------
    by_type : companions, or exposures in flight.
    """

    def __init__(self, by_type: Mapping[str, Iterable[Companion | Exposure]] | None = None) -> None:
        self._by_type = {exptype: tuple(map(_companion, found)) for exptype, found in (by_type or {}).items()}

    def __getitem__(self, exptype: str) -> tuple[Companion, ...]:
        return self._by_type.get(exptype, ())

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_type)

    def only(self, exptypes: Iterable[str]) -> "Companions":
        """Keep those of some types."""
        return Companions({exptype: self[exptype] for exptype in exptypes})

    def changed(self, by_type: Mapping[str, Iterable[Companion | Exposure]]) -> "Companions":
        """Replace those of some types."""
        return Companions({**self._by_type, **by_type})

    def find(self) -> None:
        """Refuse, before any pixel is read, files that are not to be found: InputError."""
        for companion in (one for found in self._by_type.values() for one in found if one.exposure is None):
            companion.path  # noqa: B018 - it looks for the file


NO_COMPANIONS = Companions()


def _companion(given: Companion | Exposure) -> Companion:
    if isinstance(given, Companion):
        return given
    return Companion(given.meta.filename or f"open {type(given).__name__}", exposure=given)
