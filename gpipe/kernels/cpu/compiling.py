"""Kernels and the functions that they are made of: compiled by numba once for a machine, called without it.

All of them are Python functions for as long as nothing is to be compiled. The GIL is released while a kernel runs, so
that blocks run on several threads.
"""

import functools
import logging
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

from gpipe.exceptions import BackendError
from gpipe.imports import collector_at_rest
from gpipe.kernels.cpu import kept
from gpipe.kernels.cpu.machine_code import Code, Loaded, kinds

log = logging.getLogger(__name__)

HELPERS: dict[Callable[..., Any], dict[str, Any]] = {}
"""Functions that kernels call, and what numba is told of each."""
KERNELS: dict[str, list["Kernel"]] = defaultdict(list)
"""The kernels of each module that has been imported."""


class CFunction(NamedTuple):
    """A function of the C library that kernels call; types as numba names them."""

    name: str
    result: str
    arguments: tuple[str, ...]


def allocating(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that kernels call, and that makes arrays."""
    HELPERS[function] = {}
    return function


def helper(function: Callable[..., Any]) -> Callable[..., Any]:
    """One that makes no arrays: it counts no references, which takes longer than a line of pixels for each slice."""
    HELPERS[function] = {"_nrt": False}
    return function


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """A helper that calls helpers and is called once: LLVM optimises those again at each level of calls."""
    HELPERS[function] = {"inline": "always"}
    return function


class Kernel:
    """A function that Python calls, in machine code: what is kept on disk or else, at the first call, made by numba.

    It is compiled for the types of the arguments, which for any exposure are the same.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self._loaded: tuple[Loaded, ...] = ()
        self._lock = threading.Lock()

    def __call__(self, *arguments: Any) -> bool:
        loaded, words = self._fitting(arguments) or self._load(arguments)
        return loaded.run(words)

    def is_compiled(self) -> bool:
        """By this process or by one that kept it for this machine."""
        return bool(self._loaded) or kept.is_any(self.function)

    def can_be_kept(self) -> bool:
        """Whether there is a folder to keep it in."""
        return kept.folder(self.function) is not None

    def _fitting(self, arguments: tuple[Any, ...]) -> tuple[Loaded, list[Any]] | None:
        for loaded in self._loaded:
            if (words := loaded.words(arguments)) is not None:
                return loaded, words
        return None

    def _load(self, arguments: tuple[Any, ...]) -> tuple[Loaded, list[Any]]:
        with self._lock:
            if self._fitting(arguments) is None:  # nor has another thread loaded it meanwhile
                code = kept.find(self.function, kinds(arguments)) or self._compiled(arguments)
                self._loaded = (*self._loaded, Loaded(code))
        fitting = self._fitting(arguments)
        if fitting is None:
            raise TypeError(f"kernel {self.function.__qualname__}: code for {kinds(arguments)} does not take them")
        return fitting

    def _compiled(self, arguments: tuple[Any, ...]) -> Code:
        if not can_compile():
            raise BackendError(f"kernel {self.function.__qualname__} is not compiled for {kinds(arguments)}")
        from gpipe.kernels.cpu.numba_code import compiled

        code = compiled(self.function, arguments)
        kept.keep(self.function, code)
        return code


def kernel(function: Callable[..., Any]) -> Kernel:
    """Make a `Kernel` of a function."""
    made = Kernel(function)
    KERNELS[function.__module__].append(made)
    return made


def are_compiled(module: str) -> bool:
    """Whether all kernels of a module are."""
    return all(made.is_compiled() for made in KERNELS[module])


@functools.cache
def can_compile() -> bool:
    """Whether there is a numba that compiles; if not, the log says why."""
    try:
        with collector_at_rest():
            import gpipe.kernels.cpu.numba_code  # noqa: F401
    except ImportError as error:
        log.warning("numba compiles no kernels (%s): portable functions are used, which are slower", error)
        return False
    return True
