"""Folders of files that are being written, maybe several at a time: made where missing, gone again if no file came."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from gpipe.datamodels.files.disk.durability import sync_folder
from gpipe.exceptions import OutputError
from gpipe.forks import Lock

_lock = Lock()
_busy: Counter[Path] = Counter()
"""Files that are being written in each folder, or below it."""
_made: set[Path] = set()
"""Folders that were missing, and that no file has come into yet."""


@contextmanager
def folder_for(path: Path) -> Iterator[None]:
    """The folder of a file is there within the block, in which the file is written.

    After a failure the last file that leaves a folder removes it, if it was made for one of them and none came.
    """
    chain = path.parents
    with _lock:
        _busy.update(chain)
        _made.update(folder for folder in chain if not folder.exists())
    try:
        _make(path.parent)
        yield
    except BaseException:
        _leave(chain, filled=False)
        raise
    _leave(chain, filled=True)


def _leave(chain: Sequence[Path], *, filled: bool) -> None:
    with _lock:
        if filled:
            _made.difference_update(chain)
        for folder in chain:  # innermost first
            _busy[folder] -= 1
            if _busy[folder]:
                continue
            del _busy[folder]
            if folder in _made:
                _made.discard(folder)
                with suppress(OSError):  # one that another run has put files in stays
                    folder.rmdir()


def _make(folder: Path) -> None:
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for one in missing:
            sync_folder(one.parent)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror}), expected a writable folder") from None
