"""Moments of a run in this process, and what is done when one comes: a signal, or a disk that is full.

Moments are seen from outside gpipe: events of a run, what it asks of the system, bytes that go into a file.
"""

import builtins
import errno
import io
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import count
from typing import Any

from gpipe.controller import ChunkDone, StepDone, watch

Act = Callable[[], None]
HIDDEN = ".gpipe-"
"""Names of folders of files that are being written begin so."""
REACTION = 0.2
"""Seconds in which a signal that another thread has sent reaches the main thread."""


@contextmanager
def at(moment: str, nth: int, act: Act) -> Iterator[None]:
    """Do ``act`` when a moment comes for the ``nth`` time within the block.

    ``opened``: the exposure is about to be opened. ``chunk``, ``step``: one is done. ``created``: a product is about to
    be made. ``written``: so many bytes of products are in files. ``fsync``, ``renaming``: before a product's.
    ``renamed``: after.
    """
    counted = count(1)

    def come() -> None:
        if next(counted) == nth:
            act()

    kinds: dict[str, Callable[[], Any]] = {
        "opened": lambda: _audited(lambda path, writes: not writes and path.endswith("_uncal.fits"), come),
        "created": lambda: _audited(lambda path, writes: writes and HIDDEN in path, come),
        "chunk": lambda: watch(lambda event: come() if isinstance(event, ChunkDone) else None),
        "step": lambda: watch(lambda event: come() if isinstance(event, StepDone) else None),
        "written": lambda: _counted(nth, act),
        "fsync": lambda: _replaced("fsync", before=come),
        "renaming": lambda: _replaced("replace", before=come),
        "renamed": lambda: _replaced("replace", after=come),
    }
    with kinds[moment]() or nullcontext():
        yield


def signals(number: int) -> Act:
    """Send a signal to this process, once."""
    sent: list[int] = []

    def send() -> None:
        if not sent:
            sent.append(number)
            os.kill(os.getpid(), number)
            if threading.current_thread() is not threading.main_thread():
                time.sleep(REACTION)

    return send


def fails(number: int) -> Act:
    """The system refuses, with this number."""

    def refuse() -> None:
        raise OSError(number, os.strerror(number))

    return refuse


def full_from_here() -> Act:
    """No disk takes another byte."""
    return fails(errno.ENOSPC)


def _audited(matches: Callable[[str, bool], bool], come: Act) -> None:
    """See files that are opened. An audit hook stays for the rest of the process."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str | bytes):
            flags = arguments[2] or 0
            if matches(os.fsdecode(arguments[0]), bool(flags & (os.O_WRONLY | os.O_RDWR))):
                come()

    sys.addaudithook(hook)


def _replaced(name: str, before: Act | None = None, after: Act | None = None) -> None:
    """Look on at a function of ``os``; of renames only those that put a product under its name."""
    original = getattr(os, name)

    def looked_on(*arguments: Any, **keywords: Any) -> Any:
        seen = name != "replace" or HIDDEN not in os.fspath(arguments[1])
        if seen and before:
            before()
        result = original(*arguments, **keywords)
        if seen and after:
            after()
        return result

    setattr(os, name, looked_on)


def _counted(most: int, act: Act) -> None:
    """See the bytes that go into products; once there are so many, each further block ends in ``act``."""
    original, left = builtins.open, [most]

    class Counting(io.FileIO):
        def write(self, data: Any) -> int:
            left[0] -= len(memoryview(data).cast("B"))
            if left[0] < 0:
                act()
            return super().write(data)

    def counting(file: Any, mode: str = "r", *arguments: Any, **keywords: Any) -> Any:
        if isinstance(file, str | os.PathLike) and HIDDEN in os.fspath(file) and mode in ("wb", "w+b", "xb", "wb+"):
            return io.BufferedWriter(Counting(os.fspath(file), mode.replace("b", "")))
        return original(file, mode, *arguments, **keywords)

    builtins.open = counting
