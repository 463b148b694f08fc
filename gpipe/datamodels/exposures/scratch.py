"""Arrays that do not take all of their memory at once."""

import mmap
import tempfile
from typing import Any

import numpy as np


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
