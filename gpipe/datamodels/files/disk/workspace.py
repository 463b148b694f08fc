"""Hidden folders in which products are written, and the removal of those that killed processes left behind.

The name of a folder says which process made it: machine, number of the process, and when it started.
"""

import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

log = logging.getLogger(__name__)

PREFIX = ".gpipe-"
SURELY_OVER = 86400.0
"""Seconds after which a folder of another machine is a dead one: no product takes so long to write."""
UNKNOWN = "unknown"
_NAME = re.compile(rf"{re.escape(PREFIX)}([0-9a-z]+)-(\d+)-(\d+)-[0-9a-z_]+")
_looked_at: set[str] = set()
"""Folders that this process has looked at."""


@contextmanager
def workspace_in(folder: Path) -> Iterator[str]:
    """Make a hidden folder that is gone after the block, also of whoever was killed in such a block before.

    Others are removed by the first block of a process in a folder: those of this user whose process does not run any
    more, or of which that cannot be known (another machine or container) if they are a day old.
    """
    made = tempfile.mkdtemp(prefix=f"{PREFIX}{_machine()}-{os.getpid()}-{_started(os.getpid()) or 0}-", dir=folder)
    try:
        _remove_abandoned(os.path.abspath(folder), now=os.lstat(made).st_mtime)
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _remove_abandoned(folder: str, now: float) -> None:
    """``now`` is the time of the file system, which another machine shares."""
    if os.name != "posix" or folder in _looked_at:
        return
    _looked_at.add(folder)
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in [entry for entry in entries if _is_abandoned(entry, now)]:
            log.info("%s is removed: the process that wrote in it was killed", entry.path)
            shutil.rmtree(entry.path, ignore_errors=True)


def _is_abandoned(entry: "os.DirEntry[str]", now: float) -> bool:
    parts = _NAME.fullmatch(entry.name)
    if not parts or not entry.is_dir(follow_symlinks=False):
        return False
    found = entry.stat(follow_symlinks=False)
    if found.st_uid != os.geteuid():
        return False
    machine, process, started = parts.groups()
    if machine == _machine() != UNKNOWN:
        return not _runs(int(process), started)
    return now - found.st_mtime > SURELY_OVER


def _runs(process: int, started: str) -> bool:
    """Tell whether a process runs. Another one may have its number by now, but started later."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return _started(process) in (None, started)


def _started(process: int) -> str | None:
    """The start of a process in ticks of the machine's clock; None where the system does not tell."""
    try:
        described = Path(f"/proc/{process}/stat").read_text(errors="replace")
    except OSError:
        return None
    return described.rpartition(")")[2].split()[19]


@cache
def _machine() -> str:
    """A short name for the machine since it was booted, and the container: where numbers of processes count."""
    import hashlib

    try:
        booted = Path("/proc/sys/kernel/random/boot_id").read_text()
        described = f"{os.uname().nodename} {booted} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return UNKNOWN
    return hashlib.blake2b(described.encode(), digest_size=6).hexdigest()
