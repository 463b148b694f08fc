"""Arrays that do not take all of their memory at once."""

import ctypes
import mmap
import tempfile
from typing import Any

import numpy as np

M_TRIM_THRESHOLD, M_TOP_PAD = -1, -2
"""Numbers of settings in malloc.h."""
KEPT_BY_THREADS, USUALLY_KEPT = 1 << 26, 1 << 17
"""Their values in bytes; glibc takes 64 MB at a time from the system for a thread."""


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


def keep_workspace() -> None:
    """Have the C library keep what threads free for their next part; glibc hands it back when all of it is free."""
    _glibc("mallopt", M_TRIM_THRESHOLD, KEPT_BY_THREADS)  # setting one ends that glibc adapts the other
    _glibc("mallopt", M_TOP_PAD, KEPT_BY_THREADS)


def release_workspace() -> None:
    """Give the system back what the C library keeps of memory that parts were worked on in; glibc can."""
    _glibc("mallopt", M_TOP_PAD, USUALLY_KEPT)
    _glibc("malloc_trim", 0)


def _glibc(name: str, *arguments: int) -> None:
    function = getattr(ctypes.CDLL(None), name, None)
    if function is not None:
        function(*arguments)
