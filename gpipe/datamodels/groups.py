"""Groups from files, models and exposures in flight: metadata at once, pixels when a step asks for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gpipe.arrays import Array
from gpipe.backends import Backend
from gpipe.datamodels.exposures.chunks import arrays_of
from gpipe.datamodels.exposures.groups.array_store import ArrayStore, InMemory, Stored
from gpipe.datamodels.exposures.groups.group import Group
from gpipe.datamodels.exposures.groups.member import Member, StoredPixels, stored_pixels
from gpipe.datamodels.exposures.groups.scratch import Storage
from gpipe.datamodels.exposures.in_flight import Exposure
from gpipe.datamodels.exposures.planes import ALL
from gpipe.datamodels.files.reading import Header, open_exposure


def open_group(
    headers: Sequence[Header],
    backend: Backend,
    storage: Storage,
    *,
    kind: type[Group] = Group,
    model: Any = None,
    group_ids: Sequence[str | None] = (),
    results: Sequence[Mapping[str, Any]] = (),
) -> Group:
    """Make a group of exposures whose pixels have not been read.

    Parameters
    ----------
    headers : of the members, whose metadata become the group's own.
    backend : where steps work.
    storage : where pixels are held. If on disk, members stay in their files until they get new pixels.
    kind : of the group.
    model : metadata of the group; by default a copy of those of the first member.
    group_ids, results : of the members, see `Member`; none by default.

    Returns
    -------
    Group. Open models and exposures in flight are shared, never written to.
    """
    from gpipe.datamodels.files.metadata import copied  # pulls in stdatamodels

    store = None if storage is Storage.DISK else ArrayStore(storage, backend)
    each = zip(headers, group_ids or [None] * len(headers), results or [{}] * len(headers), strict=True)
    members = tuple(
        Member(header.name, header.model, header.kind, header.shape, SourcePixels(header, store), group_id, dict(known))
        for header, group_id, known in each
    )
    return kind(model or copied(headers[0].model), backend, members, storage)


class SourcePixels:
    """Pixels of a file, a model or an exposure in flight, read when they are asked for.

    Parameters
    ----------
    header : of the exposure.
    store : where pixels are held once all were read; None if they are read each time.
    """

    def __init__(self, header: Header, store: ArrayStore | None) -> None:
        self._header, self._store = header, store
        self._held: StoredPixels | None = None
        self._read: dict[str, Stored] = {}

    @property
    def stored(self) -> Mapping[str, Stored]:
        """The arrays by name, in the store or still in their source, once all were read."""
        return self._held.stored if self._held else self._read

    def exposure(self, backend: Backend) -> Exposure:
        """Bring all of them to a device."""
        if self._held:
            return self._held.exposure(backend)
        exposure = open_exposure(self._header, backend)
        if self._store:
            self._held = stored_pixels(exposure, self._store)
        else:
            self._read = self._left_in_source(exposure)
        return exposure

    def rows(self, plane: str, rows: slice, backend: Backend) -> Array:
        """Bring some rows of one plane to a device; no other rows of a file are read."""
        if self._held:
            return self._held.rows(plane, rows, backend)
        source: Any = self._header.source
        if isinstance(source, Exposure) or source.has(plane):
            return _InSource(source, plane).read(backend, rows)
        return getattr(open_exposure(self._header, backend, rows=rows), plane)  # made up as it is read

    def _left_in_source(self, exposure: Exposure) -> dict[str, Stored]:
        source: Any = self._header.source
        names = [name for name, _ in arrays_of(exposure) if isinstance(source, Exposure) or source.has(name)]
        return {name: _InSource(source, name) for name in names}


@dataclass(frozen=True)
class _InSource:
    """A plane that stays in its file, model or exposure in flight."""

    source: Any
    plane: str

    def read(self, backend: Backend, rows: slice = ALL) -> Array:
        if isinstance(self.source, Exposure):
            return InMemory(getattr(self.source, self.plane), self.source.backend).read(backend, rows)
        return self.source.load(self.plane, backend, rows=rows)
