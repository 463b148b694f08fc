"""Windows of one output grid, stored until all are there and read back by bands of rows."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from array_api_compat import array_namespace, device

from gpipe.arrays import Array
from gpipe.backends import Backend
from gpipe.datamodels.exposures.groups.array_store import ArrayStore, Stored
from gpipe.datamodels.exposures.groups.scratch import Storage


@dataclass(frozen=True)
class _Window:
    """An image with the rows and columns of the grid that it covers."""

    rows: slice
    columns: slice
    stored: Stored

    def reaches(self, rows: slice) -> bool:
        return self.rows.start < rows.stop and rows.start < self.rows.stop


class WindowStore:
    """Images that cover windows of one grid of pixels, for a median over all of them in bounded memory.

    The whole grid is never in memory: a band takes its pixels times the windows that reach it. What comes out depends
    neither on the order in which windows come nor on the storage. Several threads may put windows at once.

    Parameters
    ----------
    shape : (row, column) of the grid.
    backend : the backend that steps work on.
    storage : where the windows are held; all of them go into one scratch file if on disk.
    """

    def __init__(self, shape: tuple[int, int], backend: Backend, storage: Storage) -> None:
        self._shape, self._backend, self._store = shape, backend, ArrayStore(storage, backend)
        self._windows: dict[str, _Window] = {}
        self._lock = threading.Lock()

    def put(self, key: str, origin: tuple[int, int], image: Array) -> None:
        """Store a window.

        Parameters
        ----------
        key : names the window; bands are in the order of the keys.
        origin : row and column in the grid of its first pixel.
        image : float32, (row, column); nobody may write to it later.

        Raises
        ------
        ValueError
            The window leaves the grid, its type is another, or there is one of this key already.
        OutputError
            The disk is full.
        """
        rows, columns = (slice(start, start + size) for start, size in zip(origin, image.shape, strict=True))
        if min(origin) < 0 or rows.stop > self._shape[0] or columns.stop > self._shape[1]:
            raise ValueError(f"window {key}: found {rows}, {columns}; expected a part of a grid of {self._shape}")
        if image.dtype != array_namespace(image).float32:
            raise ValueError(f"window {key}: found {image.dtype}; expected float32")
        window = _Window(rows, columns, self._store.put(image))
        with self._lock:
            if self._windows.setdefault(key, window) is not window:
                raise ValueError(f"window {key}: found a second one; expected one for each key")

    def bands(self, rows: int) -> Iterator[Array]:
        """All rows of the grid from the first on, ``rows`` at a time.

        Yields
        ------
        float32, (window, row, column), on the device: the windows that reach these rows, NaN where they do not cover
        the grid. The first axis is empty where none does.
        """
        for start in range(0, self._shape[0], rows):
            yield self._band(slice(start, min(start + rows, self._shape[0])))

    def _band(self, rows: slice) -> Array:
        found = [window for _, window in sorted(self._windows.items()) if window.reaches(rows)]
        shape = (len(found), rows.stop - rows.start, self._shape[1])
        band = self._backend.to_device(np.empty((0, *shape[1:]), np.float32))
        if found:
            xp = array_namespace(band)
            band = xp.full(shape, xp.nan, dtype=xp.float32, device=device(band))
        for number, window in enumerate(found):
            start, stop = max(rows.start, window.rows.start), min(rows.stop, window.rows.stop)
            part = window.stored.read(self._backend, slice(start - window.rows.start, stop - window.rows.start))
            band[number, start - rows.start : stop - rows.start, window.columns] = part
        return band
