"""Arrays that are larger than the memory they may take: in temporary files without a name, gone with the arrays."""

import mmap
import tempfile
from typing import Any

import numpy as np


def scratch_array(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """A new array in a file of the folder for temporary files (``TMPDIR``)."""
    with tempfile.TemporaryFile(prefix="gpipe-") as file:
        return np.memmap(file, dtype=dtype, mode="w+", shape=shape)


def forget(exposure: Any) -> None:
    """Take what has been read or written of the scratch arrays of an exposure out of this process's memory."""
    for value in vars(exposure).values():
        if isinstance(value, np.memmap):
            value._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]
