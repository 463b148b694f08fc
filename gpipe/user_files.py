"""Files that a user names: one rule for their paths, and one way to open them."""

import io
import os
import stat
import weakref
from typing import Any

_KINDS = {
    stat.S_ISDIR: "a directory",
    stat.S_ISFIFO: "a FIFO",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}


def expanded(path: str | os.PathLike[str]) -> str:
    """Expand ``~`` and ``$VAR``, as in every path that a user gives."""
    return os.path.expandvars(os.path.expanduser(os.fspath(path)))


def no_such_file(path: str | os.PathLike[str]) -> str:
    """Say that there is no such file; a pattern, which the shell or `gpipe run` would have expanded, gets a hint."""
    hint = "; a pattern is for glob.glob, gpipe.run or `gpipe run`" if set(os.fspath(path)) & {*"*?["} else ""
    return f"{os.fspath(path)}: no such file{hint}"


class OpenFile:
    """A descriptor to read from, closed with the last reference to this object or to one of its readers."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        weakref.finalize(self, os.close, descriptor)

    def reader(self) -> io.BufferedReader:
        """Read the file from its start. Each reader has a position of its own, so threads may read at once."""
        return io.BufferedReader(_Reader(self))

    def plain_reader(self) -> io.BufferedReader:
        """Open the file once more where the system can do that (Linux); else as `reader`. It is to be closed.

        NumPy reads arrays of a plain file into their place. Of another reader it holds them twice.
        """
        try:
            return io.BufferedReader(io.FileIO(f"/proc/self/fd/{self.descriptor}"))
        except OSError:
            return self.reader()


class RegularFile(OpenFile):
    """A regular file that is opened once: whatever happens to its name, all that is read is of the same file.

    Parameters
    ----------
    path : of the file. OSError for anything that is no regular file: a FIFO would wait for ever, a device never end.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.abspath(path)
        # A FIFO that nobody writes to would not even open.
        super().__init__(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)))
        found = os.fstat(self.descriptor)
        if not stat.S_ISREG(found.st_mode):
            kind = next((name for is_kind, name in _KINDS.items() if is_kind(found.st_mode)), "something else")
            raise OSError(f"found {kind}; expected a regular file")
        self._size, self._time = found.st_size, found.st_mtime_ns

    def was_written_to(self) -> bool:
        """Tell whether the file has another size or time than when it was opened."""
        now = os.fstat(self.descriptor)
        return (now.st_size, now.st_mtime_ns) != (self._size, self._time)

    def was_replaced(self) -> bool:
        """Tell whether another file has taken its name since. One whose name is gone is still the same."""
        try:
            return not os.path.samestat(os.stat(self.path), os.fstat(self.descriptor))
        except OSError:
            return False


class _Reader(io.RawIOBase):
    def __init__(self, file: OpenFile) -> None:
        self._file, self._position = file, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = os.preadv(self._file.descriptor, [buffer], self._position)
        self._position += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}.get(whence)
        self._position = offset + (os.fstat(self._file.descriptor).st_size if start is None else start)
        return self._position

    def close(self) -> None:
        """Let the file go: astropy's objects refer to each other, and keep the reader longer."""
        vars(self).pop("_file", None)
        super().close()
