"""Calls of gpipe that end well or badly, and the state of the process around them; all this runs in children."""

import errno
import gc
import logging
import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import Any

from faults import calls, disks, moments
from faults.products import SCRATCH
from faults.state import memory, state
from gpipe.pipeline import Detector1Pipeline

WARMED_BY = 8
"""Calls after which nothing more is remembered."""
Sources = Sequence[str]


def _threads(sources: Sources) -> None:
    options = [{"output_ext": extension, "configure_log": True} for extension in (".fits", ".asdf") * 2]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(calls.refused, sources, options))


def _interrupted(number: int, moment: str, nth: int, source: str) -> None:
    with suppress(KeyboardInterrupt, SystemExit), moments.at(moment, nth, moments.signals(number)):
        calls.calibrate(source, {"configure_log": True})


def _full(sources: Sources) -> None:
    with disks.limited(60_000):
        calls.refused(sources[0], {"configure_log": True})


def _raise(model: Any) -> None:
    raise OSError(errno.EIO, "a hook fails")


def _failing_hook(sources: Sources) -> None:
    calls.refused(sources[0], {"steps": {"jump": {"post_hooks": [_raise]}}})


def _warned(sources: Sources) -> None:
    """A user's own handling of warnings hears of those after the call."""
    heard: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *_, **__: heard.append(str(message))
        _threads(sources)
        calls.calibrate(sources[0], {"output_ext": ".asdf"})
        warnings.warn("after the call", stacklevel=1)
    assert "after the call" in heard, f"heard {heard}"


def _with_logging_configured(sources: Sources) -> None:
    Path("log.cfg").write_text("[*]\nlevel = DEBUG\nhandler = file:log.txt\n")
    calls.calibrate(sources[0], {"configure_log": True, "logcfg": "log.cfg"})


ACTIONS: dict[str, Callable[[Sources], Any]] = {
    "FITS": lambda sources: calls.calibrate(sources[0], {"configure_log": True}),
    "ASDF": lambda sources: calls.calibrate(sources[0], {"output_ext": ".asdf", "configure_log": True}),
    "scratch files": lambda sources: calls.calibrate(sources[0], dict(SCRATCH)),
    "a plan": lambda sources: Detector1Pipeline.plan(sources[0]),
    "a list": lambda sources: calls.calibrate(list(sources), {"configure_log": True}),
    "threads": _threads,
    "warnings heard": _warned,
    "logcfg": _with_logging_configured,
    "no such file": lambda sources: calls.refused("nothing_uncal.fits", {"configure_log": True}),
    "a wrong parameter": lambda sources: calls.refused(sources[0], {"steps": {"jump": {"rejection_threshold": "x"}}}),
    "a full disk": _full,
    "a hook that fails": _failing_hook,
    "SIGINT between steps": lambda sources: _interrupted(signal.SIGINT, "step", 3, sources[0]),
    "SIGINT while writing": lambda sources: _interrupted(signal.SIGINT, "written", 60_000, sources[0]),
}


def changes(name: str, sources: Sources) -> dict[str, tuple[str, str]]:
    """Do something, and tell what of the state of this process is another one then."""
    logging.getLogger("a user").setLevel(logging.ERROR)
    signal.signal(signal.SIGUSR1, lambda *_: None)
    os.umask(0o027)
    gc.collect()
    before = state()
    ACTIONS[name](sources)
    gc.collect()  # an error and what it refers to
    after = state()
    sys.stdout.flush()
    return {what: _differing(before[what], after.get(what, "")) for what in before if before[what] != after.get(what)}


def _differing(before: str, after: str) -> tuple[str, str]:
    """The parts of two texts from where they differ on."""
    pairs = enumerate(zip_longest(before, after))
    start = next(place for place, (one, other) in pairs if one != other)
    return before[start : start + 300], after[start : start + 300]


def growth(source: str, calls: int) -> int:
    """Bytes that so many calls leave in this process."""
    sizes = []
    for number in range(WARMED_BY + calls):
        Detector1Pipeline.call(source, output_dir="out", configure_log=False)
        if number >= WARMED_BY - 1:
            gc.collect()
            sizes.append(memory("VmRSS"))
    return max(sizes[-3:]) - sizes[0]
