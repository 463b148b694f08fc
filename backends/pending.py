"""Kernels that have not been compiled on this machine yet: portable functions do the work until they have.

``GPIPE_COMPILE`` says when kernels are compiled: ``later`` (the default), by a process of low priority while portable
functions, which give the same results bit by bit, do the work; ``now``, when they are first needed; ``never``.
"""

import functools
import importlib
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

from gpipe.exceptions import BackendError
from gpipe.imports import collector_at_rest

log = logging.getLogger(__name__)

MODES = ("later", "now", "never")
MACHINE_CODE = "gpipe.kernels.cpu.machine_code"
COMPILING = "gpipe.kernels.cpu.compiling"
COMPILE_ALL = "gpipe.kernels.cpu.compile"
SECONDS = 60
"""What one core of a usual machine takes to compile all kernels."""

_lock = threading.Lock()
_ready: set[str] = set()
_compiler: list[subprocess.Popen[bytes]] = []


def mode() -> str:
    """What ``GPIPE_COMPILE`` says."""
    chosen = os.environ.get("GPIPE_COMPILE", "").strip().lower() or MODES[0]
    if chosen not in MODES:
        raise BackendError(f"GPIPE_COMPILE={chosen!r} is not known; expected one of {', '.join(MODES)}")
    return chosen


@functools.cache
def can_run() -> bool:
    """Whether there is what runs kernels; if not, the log says why."""
    try:
        with collector_at_rest():
            importlib.import_module(MACHINE_CODE).engine()
    except (ImportError, OSError) as error:  # OSError: LLVM is there and cannot be loaded
        log.warning("kernels cannot be run (%s): portable functions are used, which are slower", error)
        return False
    return True


def may_run(kernel: Callable[..., Any]) -> bool:
    """Whether to call a kernel: it is compiled, or nothing else is to be done than to compile it now."""
    with _lock:
        if kernel.__module__ not in _ready and _is_to_run(kernel.__module__):
            _ready.add(kernel.__module__)
        return kernel.__module__ in _ready


def _is_to_run(module: str) -> bool:
    compiling = importlib.import_module(COMPILING)
    if compiling.are_compiled(module):
        return True
    if not compiling.can_compile():
        return False
    keeps = all(kernel.can_be_kept() for kernel in compiling.KERNELS[module])
    if mode() == "later" and keeps and sys.executable and _is_compiling():
        return False
    if not compiling.are_compiled(module):  # by a process that has ended meanwhile
        how = "once" if keeps else "in each process, as there is no folder to keep them in (set NUMBA_CACHE_DIR)"
        log.info("Compiling kernels for this machine (all: about %d s), %s: %s", SECONDS, how, module)
    return True


def _is_compiling() -> bool:
    """Whether a process compiles kernels; the first call starts it. One that has ended will not do it any more."""
    if not _compiler:
        log.info(
            "Kernels are being compiled for this machine, once, by a process of low priority (about %d s); until then "
            "portable functions are used, which are slower and give the same results",
            SECONDS,
        )
        silent = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        command = [sys.executable, "-P", "-m", COMPILE_ALL]
        _compiler.append(subprocess.Popen(command, **silent, start_new_session=True))  # type: ignore[call-overload]
    return _compiler[0].poll() is None
