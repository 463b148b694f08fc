"""Exposures put together of chunks."""

from collections.abc import Sequence
from dataclasses import replace
from threading import Lock
from typing import Any

from array_api_compat import array_namespace, device

from gpipe.arrays import Array
from gpipe.datamodels.exposures.chunks import Chunk, arrays_of, index, map_arrays
from gpipe.datamodels.exposures.groups.scratch import forget, scratch_array
from gpipe.datamodels.exposures.in_flight import Exposure
from gpipe.datamodels.exposures.planes import Plane


class Assembly:
    """Exposures, made of chunks that may come in any order and from several threads.

    Parameters
    ----------
    total : rows, or integrations, of the whole.
    stored : the exposure that the chunks were cut from, where its arrays are at hand.
    unchanged : names of its arrays that are as they were; they are part of the new whole, too.
    on_disk : whether the large arrays of ramps are held in scratch files.
    """

    def __init__(
        self,
        total: int,
        *,
        by_rows: bool,
        stored: Exposure | None = None,
        unchanged: Sequence[str] = (),
        on_disk: bool = False,
    ) -> None:
        self._total, self._by_rows, self._on_disk = total, by_rows, on_disk
        self._stored, self._unchanged = stored, unchanged if stored is not None else ()
        self._made: list[Any] = []
        self._lock = Lock()

    def add(self, chunk: Chunk, results: Sequence[Any]) -> None:
        """Add the results of a chunk, one for each exposure. A chunk that is the whole is taken as it is."""
        if (chunk.own.start, chunk.own.stop) == (0, self._total) and not self._goes_to_disk(results):
            self._made = [_whole(result) if isinstance(result, Exposure) else result for result in results]
            return
        with self._lock:
            if not self._made:
                self._make_room(results)
        for whole, result in zip(self._made, results, strict=True):
            for name, values in arrays_of(result):
                if name not in self._not_made(result):
                    index(whole, name, chunk.own, self._by_rows)[...] = values
            if self._on_disk:
                forget(whole)

    def whole(self) -> list[Any]:
        """The exposures, when all chunks were added."""
        return self._made

    def beside(self) -> "Assembly":
        """An empty one for other exposures that are made of the same chunks."""
        return Assembly(self._total, by_rows=self._by_rows, on_disk=self._on_disk)

    def _goes_to_disk(self, results: Sequence[Any]) -> bool:
        return self._on_disk and all(isinstance(result, Exposure) for result in results)

    def _not_made(self, result: Any) -> Sequence[str]:
        """Names of the arrays that the whole shares with the exposure before, or with the first result."""
        return self._unchanged if isinstance(result, type(self._stored)) else getattr(result, "shared", ())

    def _make_room(self, results: Sequence[Any]) -> None:
        made: list[Any] = []

        def array(name: str, values: Array) -> Array:
            if name not in self._not_made(result):
                return self._empty(result.planes[name], values)
            is_stored = isinstance(result, type(self._stored))
            return getattr(self._stored, name) if is_stored else getattr(made[0], name)[None, ...]

        for result in results:
            made.append(_whole(map_arrays(result, array)))
        self._made = made

    def _empty(self, plane: Plane, values: Array) -> Array:
        shape = plane.resized(tuple(values.shape), "y" if self._by_rows else "i", self._total)
        if self._on_disk and len(shape) == 4:
            return scratch_array(shape, values.dtype)
        return array_namespace(values).empty(shape, dtype=values.dtype, device=device(values))


def _whole(exposure: Any) -> Any:
    return replace(exposure, rows=None, of_interleaved=False, overwritable=False)
