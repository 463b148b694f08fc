"""Where machine code of kernels is kept, and what it was made of.

In ``__pycache__`` beside their sources, in the user's cache folder where that cannot be written to, or in
``NUMBA_CACHE_DIR``; a file for each kernel, types of its arguments, type of processor and version of numba. What was
made of other sources, of any module of gpipe that a kernel's module imports, does not count and is written over.
"""

import functools
import hashlib
import json
import logging
import os
import re
import secrets
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gpipe.kernels.cpu.machine_code import Code, machine

log = logging.getLogger(__name__)

OWN_IMPORT = re.compile(r"^from (gpipe[\w.]*) import (\([\w\s,]+\)|[\w ,]+)", re.MULTILINE)
COMPILER = f"{__package__}.numba_code"
SUFFIX = ".kernel"
Function = Callable[..., Any]


def find(function: Function, kinds: Sequence[str]) -> Code | None:
    """The machine code of a kernel for arguments of such types, if it has been compiled for this machine."""
    read = (_read(place / _name(function, kinds), function) for place in _places(function))
    return next((code for code in read if code), None)


def is_any(function: Function) -> bool:
    """Whether a kernel has been compiled for this machine, whatever the types."""
    return any(_read(file, function) for place in _places(function) for file in _files(place, _name(function, None)))


def keep(function: Function, code: Code) -> None:
    """Write it for processes to come, if there is a folder; those that read meanwhile find the whole file or none.

    Where it cannot be written the log says why: this process does not need it.
    """
    place = folder(function)
    if place is None:
        return
    head = {"made_of": made_of(function.__module__), "sha256": _digest(code.binary)}
    head |= {"symbol": code.symbol, "kinds": code.kinds}
    name = _name(function, code.kinds)
    unfinished = place / f"{name}.{secrets.token_hex(8)}"
    try:
        unfinished.write_bytes(json.dumps(head).encode() + b"\n" + code.binary)
        unfinished.replace(place / name)
    except OSError as error:
        log.warning("Kernel %s is not kept: %s", function.__qualname__, error)
        with suppress(OSError):
            unfinished.unlink()


def folder(function: Function) -> Path | None:
    """Where it is written to: the first place that can be; None if there is none, or no source to tell it by."""
    return _writable(_places(function)) if made_of(function.__module__) else None


def _read(file: Path, function: Function) -> Code | None:
    """What a file has, if it is whole and of these sources."""
    try:
        head, _, binary = file.read_bytes().partition(b"\n")
        said = json.loads(head)
        current = said["made_of"] == made_of(function.__module__) and said["sha256"] == _digest(binary)
        return Code(said["symbol"], tuple(said["kinds"]), binary) if current else None
    except (OSError, ValueError, LookupError, TypeError):  # none there, or what is left of one
        return None


def _files(place: Path, pattern: str) -> list[Path]:
    try:
        return list(place.glob(pattern))
    except OSError:  # a folder that is not for this user
        return []


def _places(function: Function) -> tuple[Path, ...]:
    here = Path(function.__code__.co_filename).resolve().parent
    mine = f"{here.name}_{_digest(str(here).encode())[:12]}"
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return (Path(chosen) / mine,)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    return (here / "__pycache__", *([cache / "gpipe" / mine] if cache.is_absolute() else []))


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


def _name(function: Function, kinds: Sequence[str] | None) -> str:
    """Of the file; a pattern for all types of arguments if none are given."""
    types = "*" if kinds is None else _digest(repr(tuple(kinds)).encode())[:12]
    return f"{function.__module__.rpartition('.')[-1]}.{function.__qualname__}-{_machine()}-{types}{SUFFIX}"


@functools.cache
def _machine() -> str:
    return _digest(f"{machine()} {_version('numba')} {_version('llvmlite')}".encode())[:12]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # copied without what pip knows of it
        return "unknown"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@functools.cache
def made_of(module: str) -> str | None:
    """Stands for the sources of a module and of all modules of gpipe that it imports, or that these do.

    None where there are none, as in a package of compiled modules only.
    """
    texts: dict[str, str] = {}
    waiting = {module, COMPILER}
    try:
        while waiting:
            name = waiting.pop()
            texts[name] = _source(name)
            waiting |= _imported(texts[name]) - texts.keys()
    except (ImportError, OSError, ValueError):  # ValueError: there is a file, which is no text
        return None
    return _digest("".join(texts[name] for name in sorted(texts)).encode())


def _source(module: str) -> str:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ImportError(f"no source of {module}")
    return Path(spec.origin).read_text(encoding="utf-8")


def _imported(source: str) -> set[str]:
    found = set()
    for package, names in OWN_IMPORT.findall(source):
        modules = {f"{package}.{name}" for name in re.findall(r"\w+", names)} & sys.modules.keys()
        found |= modules or {package}
    return found
