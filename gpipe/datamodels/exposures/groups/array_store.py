"""Arrays on the device, on the host or in one scratch file, read back by rows."""

import math
import threading
import weakref
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gpipe.arrays import Array
from gpipe.backends import Backend
from gpipe.datamodels.exposures.groups.scratch import Storage, no_room, scratch_file
from gpipe.datamodels.exposures.planes import ALL


class Stored(Protocol):
    """An array, (…, row, column) if rows are asked for, in a store."""

    def read(self, backend: Backend, rows: slice = ALL) -> Array:
        """Bring all of it, or some rows, to a device; nobody may write to the result."""


class ArrayStore:
    """A place for arrays. Several threads may use it at once.

    Parameters
    ----------
    storage : where the arrays go. A scratch file has no name: it is gone with the last array in it, and with the
        process however that ends.
    backend : the backend that steps work on, where arrays come from.
    """

    def __init__(self, storage: Storage, backend: Backend) -> None:
        self._backend, self._home = backend, storage.backend(backend)
        self._file = _ScratchFile() if storage is Storage.DISK else None

    def put(self, array: Array) -> Stored:
        """Store an array. OutputError: the disk is full."""
        if self._home.name != self._backend.name or self._file:
            array = self._backend.to_host(array)
        return self._file.append(array) if self._file else InMemory(array, self._home)


@dataclass(frozen=True)
class InMemory:
    """An array of a backend, held as it is."""

    array: Array
    home: Backend

    def read(self, backend: Backend, rows: slice = ALL) -> Array:
        found = self.array if rows == ALL else self.array[..., rows, :]
        return found if backend.name == self.home.name else backend.to_device(self.home.to_host(found))


@dataclass(frozen=True)
class _InFile:
    file: "_ScratchFile"
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype

    def read(self, backend: Backend, rows: slice = ALL) -> Array:
        return backend.to_device(self._whole() if rows == ALL else self._some(rows))

    def _whole(self) -> np.ndarray:
        values = np.empty(self.shape, self.dtype)
        self.file.read(values, self.offset)
        return values

    def _some(self, rows: slice) -> np.ndarray:
        total, columns = self.shape[-2:]
        start, stop, _ = rows.indices(total)
        values = np.empty((*self.shape[:-2], max(0, stop - start), columns), self.dtype)
        for number, plane in enumerate(values.reshape(math.prod(self.shape[:-2]), *values.shape[-2:])):
            self.file.read(plane, self.offset + (number * total + start) * columns * self.dtype.itemsize)
        return values


class _ScratchFile:
    """A temporary file without a name, in ``TMPDIR``: one descriptor, however many arrays."""

    def __init__(self) -> None:
        self._file = scratch_file()  # open as long as arrays are in it
        self._lock, self._end = threading.Lock(), 0
        weakref.finalize(self, self._file.close)

    def append(self, array: np.ndarray) -> _InFile:
        array = np.ascontiguousarray(array)
        with self._lock:
            offset = self._end
            self._file.seek(offset)
            try:
                self._file.write(array.reshape(-1).view(np.uint8).data)
                self._file.flush()
            except OSError as error:
                raise no_room(array.nbytes, error) from None
            self._end += array.nbytes
        return _InFile(self, offset, array.shape, array.dtype)

    def read(self, values: np.ndarray, offset: int) -> None:
        with self._lock:
            self._file.seek(offset)
            self._file.readinto(values.reshape(-1).view(np.uint8).data)
