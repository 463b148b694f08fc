"""How kernels are compiled and kept on disk.

No ``fastmath``: LLVM then neither reorders nor contracts float operations, and results are those of the portable
functions. The GIL is released, so that blocks run on several threads.
"""

import functools
import hashlib
import inspect
import itertools
import math
import re
import sys
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from gpipe.imports import collector_at_rest

with collector_at_rest():
    import numba
    from numba.core.caching import FunctionCache
    from numba.core.registry import cpu_target
    from numba.core.runtime import rtsys

OWN_IMPORT = re.compile(r"^from (gpipe[\w.]*) import (\([\w\s,]+\)|[\w ,]+)", re.MULTILINE)

njit: Any = numba.njit  # whose hints do not know all of its options
OPTIONS = {"nogil": True, "error_model": "numpy"}

allocating = njit(**OPTIONS, no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""A function that kernels call; Python cannot call it, which halves the time that it takes to compile."""

helper = njit(**OPTIONS, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)
"""One that makes no arrays: it counts no references, which takes longer than a line of pixels for each slice."""

KERNELS: dict[str, list[Any]] = defaultdict(list)
"""The kernels of each module that has been imported."""

inlined = njit(**OPTIONS, inline="always")
"""A helper that calls helpers and is called once: LLVM optimises those again at each level of calls."""


class _Kept(FunctionCache):
    """Loads what has been compiled, without all that it might have been compiled from.

    numba imports its versions of Python's and NumPy's functions before it looks on disk, half of what loading takes.
    Compiling has them imported, too; machine code needs no more of it than what counts references.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)


def kernel(function: Callable[..., Any]) -> Any:
    """A function that Python calls; compiled for new types of arguments only, unless no folder can be written to.

    numba keeps what it has compiled in ``__pycache__`` or, if that is read-only, in the user's cache folder. By itself
    it would take that for current as long as the module of the function is, whatever has become of its helpers.
    """
    compiled = njit(**OPTIONS)(function)
    KERNELS[function.__module__].append(compiled)
    try:
        stamp = sources(function.__module__)
        cache = _Kept(function)
    except (OSError, RuntimeError):  # no source, no folder
        return compiled
    cache._cache_file._source_stamp = stamp
    compiled._cache = cache
    return compiled


def are_compiled(module: str) -> bool:
    """Whether all kernels of a module have been compiled, by this process or by one that kept them for this machine."""
    return all(compiled.signatures or _is_kept(compiled) for compiled in KERNELS[module])


def _is_kept(compiled: Any) -> bool:
    if not can_be_kept(compiled):
        return False
    machine = cpu_target.target_context.codegen().magic_tuple()
    return any(key[1] == machine for key in compiled._cache._cache_file._load_index())


def can_be_kept(compiled: Any) -> bool:
    """Whether there is a folder to keep it in."""
    return compiled._cache.cache_path is not None


@functools.cache
def sources(module: str) -> str:
    """Stands for the sources of a module and of all modules of gpipe that it imports, or that these import."""
    texts: dict[str, str] = {}
    waiting = {module}
    while waiting:
        name = waiting.pop()
        texts[name] = inspect.getsource(sys.modules[name])
        waiting |= _imported(texts[name]) - texts.keys()
    return hashlib.sha256("".join(texts[name] for name in sorted(texts)).encode()).hexdigest()


def _imported(source: str) -> set[str]:
    found = set()
    for package, names in OWN_IMPORT.findall(source):
        modules = {f"{package}.{name}" for name in re.findall(r"\w+", names)} & sys.modules.keys()
        found |= modules or {package}
    return found


def in_place(x: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
    """`frozen`, and where ``x`` begins in it, an index: the array that ``x`` has all columns of, or else a copy of it.

    Cutting off rows or groups thus copies nothing.
    """
    whole = _cut_from(x)
    if whole is None:
        return frozen(x), (0,) * x.ndim
    offset = (x.ctypes.data - whole.ctypes.data) // x.itemsize
    return frozen(whole), tuple(int(k) for k in np.unravel_index(offset, whole.shape))


def _cut_from(x: np.ndarray) -> np.ndarray | None:
    """The contiguous array of as many axes that ``x`` is a cut of, with all of the last one; None if there is none."""
    base = x.base
    if not isinstance(base, np.ndarray) or base.dtype != x.dtype or not base.flags.c_contiguous or not x.size:
        return None
    if min(x.strides) < x.itemsize:
        return None
    lengths = [outer // inner for outer, inner in itertools.pairwise(x.strides)]
    if 0 in lengths or base.size % math.prod(lengths):
        return None
    whole = base.reshape(-1, *lengths)
    return whole if whole.strides == x.strides and whole.shape[-1] == x.shape[-1] else None


def frozen(x: np.ndarray) -> np.ndarray:
    """A contiguous, read-only view, or copy if need be: the one type of argument that kernels are compiled for."""
    view = np.ascontiguousarray(x).view()
    view.flags.writeable = False
    return view
