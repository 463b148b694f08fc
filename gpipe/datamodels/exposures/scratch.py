"""Storage of exposures between steps, and arrays in scratch files, which do not take all of their memory at once."""

import mmap
import tempfile
from enum import Enum
from typing import Any

import numpy as np

from gpipe import backends
from gpipe.backends import Backend


class Storage(Enum):
    """Places that hold an exposure between sections."""

    DEVICE = "on the device"
    HOST = "on the host"
    DISK = "in scratch files"

    def backend(self, working: Backend) -> Backend:
        """The backend that holds the arrays, for steps that work on ``working``."""
        return working if self is Storage.DEVICE else backends.get("numpy")


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
