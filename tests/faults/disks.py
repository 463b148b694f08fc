"""Disks without room, for the rest of this process or within a block."""

import ctypes
import errno
import os
import resource
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from faults import moments

_NEW_USER, _NEW_MOUNTS = 0x10000000, 0x00020000
_SLACK = 1 << 14
"""Bytes that a file system takes for folders."""


@contextmanager
def limited(size: int) -> Iterator[None]:
    """The system lets files grow to this size only."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def small_output(size: int) -> Iterator[None]:
    """``out`` is a file system with room for so many bytes beside what it holds; afterwards its files are as found."""
    Path("out").mkdir(exist_ok=True)
    descriptor = os.open("out", os.O_RDONLY)
    below = f"/proc/self/fd/{descriptor}"
    earlier = sum(path.stat().st_size + 4096 for path in Path("out").iterdir())
    mount("out", f"size={earlier + size + _SLACK}")
    shutil.copytree(below, "out", dirs_exist_ok=True)
    yield
    for name in os.listdir(below):
        os.unlink(os.path.join(below, name))
    shutil.copytree("out", below, dirs_exist_ok=True)
    os.close(descriptor)


@contextmanager
def small_temporary(size: int) -> Iterator[None]:
    """TMPDIR is a file system with room for so many bytes."""
    mount(tempfile.gettempdir(), f"size={size}")
    yield


@contextmanager
def no_allocation(_: int) -> Iterator[None]:
    """The system has no room for the size that a file is to have."""
    os.posix_fallocate = lambda *_: moments.full_from_here()()
    yield


def mount(folder: str, options: str) -> None:
    """Mount a file system in memory that only this process sees; OSError where the system does not let it."""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    _done(libc.unshare(_NEW_USER | _NEW_MOUNTS))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    _done(libc.mount(b"none", os.fsencode(folder), b"tmpfs", 0, options.encode()))


def _done(status: int) -> None:
    if status:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def may_mount() -> bool:
    """Try whether `mount` works here; to be asked in a child that ends afterwards."""
    try:
        mount(tempfile.gettempdir(), "size=64k")
    except OSError:
        return False
    return True


DISKS: dict[str, Callable[[int], AbstractContextManager[None]]] = {
    "simulated": lambda size: moments.at("written", size, moments.full_from_here()),
    "limit on a file": limited,
    "small output_dir": small_output,
    "small TMPDIR": small_temporary,
    "no allocation": no_allocation,
    "fsync refused": lambda nth: moments.at("fsync", nth, moments.fails(errno.EIO)),
    "rename refused": lambda nth: moments.at("renaming", nth, moments.fails(errno.EDQUOT)),
}
