"""Arrays that do not take all of their memory at once."""

import ctypes
import math
import mmap
import tempfile
from typing import Any

import numpy as np


def mapped_array(shape: tuple[int, ...], dtype: Any, *, huge: bool) -> np.ndarray:
    """A new array of zeros whose memory goes back to the system with it, whatever the system's allocator keeps.

    Parameters
    ----------
    huge : whether huge pages are asked for, as NumPy does. They are taken as a whole when something is written there,
        and some rows of all integrations touch nearly every one of them.
    """
    memory = mmap.mmap(-1, math.prod(shape) * np.dtype(dtype).itemsize, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if huge and hasattr(mmap, "MADV_HUGEPAGE"):
        memory.madvise(mmap.MADV_HUGEPAGE)
    return np.ndarray(shape, dtype, buffer=memory)


def scratch_array(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """A new array in a temporary file without a name (in ``TMPDIR``), which is gone with the array."""
    with tempfile.TemporaryFile(prefix="gpipe-") as file:
        return np.memmap(file, dtype=dtype, mode="w+", shape=shape).view(np.ndarray)


def forget(exposure: Any) -> None:
    """Take what has been read or written of the scratch arrays of an exposure out of this process's memory."""
    for value in vars(exposure).values():
        base = getattr(value, "base", None)
        if isinstance(base, np.memmap):
            base._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]


def release_workspace() -> None:
    """Give the system back what the C library keeps of memory that parts were worked on in; glibc can."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
