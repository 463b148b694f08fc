"""State of a process that a library must leave as it found it."""

import faulthandler
import gc
import locale
import logging
import os
import random
import resource
import signal
import sys
import threading
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np


def state() -> dict[str, str]:
    """Everything, as texts to be compared."""
    found = {**_python(), **_loggers(), **_system()}
    return {name: repr(value) for name, value in found.items()}


def _python() -> dict[str, Any]:
    return {
        "warnings.filters": list(warnings.filters),
        "warnings.showwarning": (warnings.showwarning, warnings.formatwarning, warnings._showwarnmsg_impl),
        "numpy.errstate": (np.geterr(), np.geterrcall()),
        "numpy.printoptions": np.get_printoptions(),
        "random": (random.getstate(), str(np.random.get_state())),  # noqa: NPY002 - the state of others
        "hooks": (sys.excepthook, threading.excepthook, sys.unraisablehook, sys.displayhook, sys.gettrace()),
        "streams": (id(sys.stdin), id(sys.stdout), id(sys.stderr)),
        "collector": (gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()),
        "limits of Python": (sys.getrecursionlimit(), sys.getswitchinterval(), sys.get_int_max_str_digits()),
        "sys.path": list(sys.path),
        "locale": locale.setlocale(locale.LC_ALL),
        "faulthandler": faulthandler.is_enabled(),
    }


def _loggers() -> dict[str, Any]:
    manager = logging.root.manager
    names = [name for name, logger in manager.loggerDict.items() if isinstance(logger, logging.Logger)]
    loggers = {"root": logging.root, **{name: logging.getLogger(name) for name in names}}
    return {
        "logging.disable": manager.disable,
        "warnings captured": logging._warnings_showwarning,
        "class of loggers": (logging.getLoggerClass(), logging.getLogRecordFactory()),
        **{f"logger {name}": _described(logger) for name, logger in loggers.items()},
    }


def _described(logger: logging.Logger) -> tuple[Any, ...]:
    return logger.level, logger.disabled, logger.propagate, list(logger.handlers), list(logger.filters)


def _system() -> dict[str, Any]:
    return {
        "signals": {number.name: signal.getsignal(number) for number in signal.valid_signals() if _is_named(number)},
        "blocked signals": signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        "timer": signal.getitimer(signal.ITIMER_REAL),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "descriptors": _descriptors(),
        "umask": _umask(),
        "working folder": os.getcwd(),
        "environment": dict(os.environ),
        "limits": {name: resource.getrlimit(getattr(resource, name)) for name in ("RLIMIT_FSIZE", "RLIMIT_NOFILE")},
        "priority": os.getpriority(os.PRIO_PROCESS, 0),
        "cores": sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (),
        "children": _children(),
    }


def _is_named(number: Any) -> bool:
    return hasattr(number, "name")


def _descriptors() -> list[str]:
    """Open files, without that of the listing itself, and without references: gpipe may keep one of each open."""
    folder, found = Path("/proc/self/fd"), []
    for name in sorted(os.listdir(folder), key=int) if folder.exists() else ():
        with suppress(OSError):
            found.append(os.readlink(folder / name))
    references = [path for path in found if "/references/" in path]
    return sorted((set(found) - set(references)) | {path for path in references if references.count(path) > 1})


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _children() -> list[str]:
    path = Path(f"/proc/self/task/{os.getpid()}/children")
    return path.read_text().split() if path.exists() else []


def memory(field: str) -> int:
    """Bytes of this process, as Linux tells them; 0 elsewhere."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))
