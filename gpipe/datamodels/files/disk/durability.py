"""Files that outlast a power cut: synced before they get their name, and their folder after."""

import errno
import os
from contextlib import suppress

VARIABLE = "GPIPE_SYNC"
"""Set to 0, this variable leaves it to the system when files reach the disk."""
_NOT_OFFERED = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}
"""Answers of file systems that cannot sync."""


def is_wanted() -> bool:
    """Tell whether products are synced."""
    return os.environ.get(VARIABLE) != "0"


def sync_file(path: str | os.PathLike[str]) -> None:
    """Wait until a file is on the disk. OSError: it is not, as some file systems say only now that the disk is full."""
    if is_wanted():
        _sync(path, os.O_RDWR)


def sync_folder(path: str | os.PathLike[str]) -> None:
    """Wait until the names in a folder are on the disk, where one may read it and the system offers that."""
    if is_wanted():
        with suppress(PermissionError):
            _sync(path, os.O_RDONLY)


def _sync(path: str | os.PathLike[str], flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_OFFERED:
            raise
    finally:
        os.close(descriptor)
