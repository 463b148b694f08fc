"""Where machine code of kernels is kept, and what it was made of.

In ``__pycache__`` beside their sources, in the user's cache folder where that cannot be written to, or in
``NUMBA_CACHE_DIR``; a file for each kernel and type of processor. What was made of other sources, of any module that a
kernel's module imports, or by another numba, does not count and is written over.
"""

import functools
import hashlib
import json
import logging
import os
import re
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gpipe.backends.kernels.cpu.machine_code import Code, machine

log = logging.getLogger(__name__)

OWN_IMPORT = re.compile(r"^from (gpipe[\w.]*) import (\([\w\s,]+\)|[\w ,]+)", re.MULTILINE)
COMPILER = f"{__package__}.numba_code"
SUFFIX = ".kernel"
Function = Callable[..., Any]


def find(function: Function) -> Code | None:
    """The machine code of a kernel, if it has been compiled for this machine."""
    for place in _places(function.__code__.co_filename):
        try:
            raw = (place / _name(function)).read_bytes()
            head, _, binary = raw.partition(b"\n")
            said = json.loads(head)
        except (OSError, ValueError):  # none there, or what is left of one
            continue
        if said["made_of"] == made_of(function.__module__) and said["bytes"] == len(binary):
            return Code(said["symbol"], tuple(said["arguments"]), binary)
    return None


def keep(function: Function, code: Code) -> None:
    """Write it for processes to come, if there is a folder; those that read meanwhile find the whole file or none.

    Where it cannot be written the log says why: this process does not need it.
    """
    place = folder(function)
    if place is None:
        return
    said = {"made_of": made_of(function.__module__), "bytes": len(code.binary)}
    said |= {"symbol": code.symbol, "arguments": code.arguments}
    unfinished = place / f"{_name(function)}.{os.getpid()}"
    try:
        unfinished.write_bytes(json.dumps(said).encode() + b"\n" + code.binary)
        unfinished.replace(place / _name(function))
    except OSError as error:
        log.warning("Kernel %s is not kept: %s", function.__qualname__, error)
        unfinished.unlink(missing_ok=True)


def folder(function: Function) -> Path | None:
    """Where it is written to: the first place that can be; None if there is none."""
    return _writable(_places(function.__code__.co_filename))


def _places(source: str) -> tuple[Path, ...]:
    here = Path(source).resolve().parent
    mine = f"{here.name}_{hashlib.sha256(str(here).encode()).hexdigest()[:12]}"
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return (Path(chosen) / mine,)
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return (here / "__pycache__", Path(cache) / "gpipe" / mine)


@functools.cache
def _writable(places: tuple[Path, ...]) -> Path | None:
    for place in places:
        try:
            place.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=place):
                return place
        except OSError:
            continue
    return None


def _name(function: Function) -> str:
    return f"{function.__module__.rpartition('.')[-1]}.{function.__qualname__}-{_machine()}{SUFFIX}"


@functools.cache
def _machine() -> str:
    return hashlib.sha256(machine().encode()).hexdigest()[:12]


@functools.cache
def made_of(module: str) -> str:
    """Stands for numba and for the sources of a module, of all modules of gpipe that it imports, or that these do."""
    texts = {COMPILER: _source(COMPILER)}
    waiting = {module}
    while waiting:
        name = waiting.pop()
        texts[name] = _source(name)
        waiting |= _imported(texts[name]) - texts.keys()
    together = version("numba") + "".join(texts[name] for name in sorted(texts))
    return hashlib.sha256(together.encode()).hexdigest()


def _source(module: str) -> str:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ImportError(f"no source of {module}, from which to tell whether its kernels are those of this version")
    return Path(spec.origin).read_text(encoding="utf-8")


def _imported(source: str) -> set[str]:
    found = set()
    for package, names in OWN_IMPORT.findall(source):
        modules = {f"{package}.{name}" for name in re.findall(r"\w+", names)} & sys.modules.keys()
        found |= modules or {package}
    return found
