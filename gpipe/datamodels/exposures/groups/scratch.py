"""Storage of exposures between steps, and arrays in scratch files, which do not take all of their memory at once."""

import errno
import math
import mmap
import os
import tempfile
from enum import Enum
from io import BufferedRandom
from typing import Any

import numpy as np

from gpipe import backends
from gpipe.backends import Backend
from gpipe.exceptions import OutputError

_NOT_OFFERED = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}
"""Answers of file systems that cannot allocate."""
_ZEROS = bytes(1 << 20)


class Storage(Enum):
    """Places that hold an exposure between sections."""

    DEVICE = "on the device"
    HOST = "on the host"
    DISK = "in scratch files"

    def backend(self, working: Backend) -> Backend:
        """The backend that holds the arrays, for steps that work on ``working``."""
        return working if self is Storage.DEVICE else backends.get("numpy")


def scratch_array(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """A new array in a temporary file without a name (in ``TMPDIR``), which is gone with the array.

    OutputError: there is no room for it. All of it is taken at once: a mapped file that the disk has no room for would
    end the process without a word when it is written to.
    """
    with scratch_file(math.prod(shape) * np.dtype(dtype).itemsize) as file:
        return np.memmap(file, dtype=dtype, mode="r+", shape=shape).view(np.ndarray)


def scratch_file(nbytes: int = 0) -> BufferedRandom:
    """Open a temporary file without a name, and take so many bytes of the disk. OutputError: there is no room."""
    try:
        file = tempfile.TemporaryFile(prefix="gpipe-")  # noqa: SIM115 - the caller closes it
    except OSError as error:
        raise no_room(nbytes, error) from None
    try:
        _allocate(file, nbytes)
    except OSError as error:
        file.close()
        raise no_room(nbytes, error) from None
    return file


def no_room(nbytes: int, error: OSError) -> OutputError:
    """Describe a scratch file that cannot be written."""
    try:
        folder = tempfile.gettempdir()
    except OSError:
        folder = os.environ.get("TMPDIR", "")
    return OutputError(
        f"TMPDIR ({folder}): cannot hold {nbytes} bytes of a scratch file ({error.strerror}); "
        "expected a folder with room for them, or a larger max_memory"
    )


def _allocate(file: Any, nbytes: int) -> None:
    """Take bytes of the disk; they are written where the platform or the file system offers nothing faster."""
    if hasattr(os, "posix_fallocate") and nbytes:
        try:
            os.posix_fallocate(file.fileno(), 0, nbytes)
            return
        except OSError as error:
            if error.errno not in _NOT_OFFERED:
                raise
    for start in range(0, nbytes, len(_ZEROS)):
        file.write(_ZEROS[: nbytes - start])
    file.flush()


def forget(exposure: Any) -> None:
    """Take what has been read or written of the scratch arrays of an exposure out of this process's memory."""
    for value in vars(exposure).values():
        base = getattr(value, "base", None)
        if isinstance(base, np.memmap):
            base._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]
