"""A lock beside a file that several runs change, in this process and in others."""

import errno
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gpipe.exceptions import OutputError

log = logging.getLogger(__name__)

PATIENCE, PAUSE = 60.0, 0.02
"""Seconds: others hold the lock for as long as it takes to read and write a small file."""
_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP}


@contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """Within the block no other run changes the file. The lock is a hidden file beside it, which is gone afterwards.

    The system frees the lock of a process that dies. A file system that knows no locks is named in a warning.

    Raises
    ------
    OutputError
        The folder cannot be written to, or somebody holds the lock for a minute.
    """
    lock = _LockFile(path)
    try:
        lock.wait()
        yield
    finally:
        lock.release()


class _LockFile:
    def __init__(self, path: Path) -> None:
        self._path, self._beside = path, path.with_name(f".{path.name}.lock")
        self._descriptor, self._is_held = -1, False

    def wait(self) -> None:
        until = time.monotonic() + PATIENCE
        while not self._is_taken():
            self.release()
            if time.monotonic() > until:
                found = f"found it locked by {self._beside.name} for {PATIENCE:.0f} s"
                raise OutputError(f"{self._path}: {found}, expected a free file")
            time.sleep(PAUSE)

    def release(self) -> None:
        if self._is_held:
            self._beside.unlink(missing_ok=True)  # before it is free: whoever waits for this one makes another
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._is_held = -1, False

    def _is_taken(self) -> bool:
        """Try to lock. A file that its holder has removed meanwhile is not the lock that others see."""
        import fcntl

        try:
            self._descriptor = os.open(self._beside, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._is_held = os.path.samestat(os.fstat(self._descriptor), os.stat(self._beside))
        except BlockingIOError:
            return False
        except OSError as error:
            if isinstance(error, FileNotFoundError) and self._descriptor >= 0:
                return False
            if self._descriptor < 0 or error.errno not in _NO_LOCKS:
                reason = f"cannot be locked ({error.strerror}), expected a writable folder"
                raise OutputError(f"{self._path}: {reason}") from None
            log.warning("%s: found a file system without locks; another run must not change the file now", self._path)
            self._is_held = True
        return self._is_held
