"""Machine code of kernels, loaded and called without numba, whose import takes as long as many an exposure.

numba's functions for a CPU have the C signature ``int32 f(result *, exception **, arguments…)``. Of an array they get
seven things: who owns it and its memory (nobody), how many items, their size, the address, all lengths, all strides;
of a tuple its items; of a number itself.
"""

import ctypes
import functools
import os
import threading
from collections.abc import Iterable, Iterator
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Any, NamedTuple

import numpy as np
from llvmlite import binding as llvm

TELL_NUMBA = (
    *("NUMBA_BOUNDSCHECK", "NUMBA_CPU_FEATURES", "NUMBA_CPU_NAME", "NUMBA_DEBUG_NRT", "NUMBA_DEBUGINFO"),
    *("NUMBA_DISABLE_INTEL_SVML", "NUMBA_ENABLE_AVX", "NUMBA_ENABLE_PROFILING", "NUMBA_LLVM_REFPRUNE_FLAGS"),
    *("NUMBA_LLVM_REFPRUNE_PASS", "NUMBA_LOOP_VECTORIZE", "NUMBA_OPT", "NUMBA_SLP_VECTORIZE"),
)
"""Variables that change the code that it makes."""
DONE = (0, -2)
"""Status of a call that has returned something, or nothing."""

_lock = threading.RLock()


class Code(NamedTuple):
    """Machine code of a kernel for some types of arguments: its function's name, and ``kinds`` of the arguments."""

    symbol: str
    kinds: tuple[str, ...]
    binary: bytes


class _Number(NamedTuple):
    """Numbers of other types than these have code of their own, as none is to lose digits."""

    name: str
    c_types: tuple[type, ...]
    types: tuple[type, ...]

    def words(self, value: Any) -> tuple[Any, ...] | None:
        return (value,) if type(value) in self.types else None


class _Array(NamedTuple):
    """Contiguous arrays; code that writes to one does not take one that is read-only."""

    c_types: tuple[type, ...]
    dtype: np.dtype
    axes: int
    is_constant: bool

    def words(self, x: Any) -> tuple[Any, ...] | None:
        known = getattr(x, "__array_interface__", None)
        if known is None or known["typestr"] != self.dtype.str or known["strides"] is not None:
            return None
        shape, (address, read_only) = known["shape"], known["data"]
        if len(shape) != self.axes or (read_only and not self.is_constant):
            return None
        return (None, None, x.size, self.dtype.itemsize, address, *shape, *x.strides)


NUMBERS = (
    _Number("bool", (ctypes.c_bool,), (bool, np.bool_)),
    _Number("int32", (ctypes.c_int32,), (np.int32,)),
    _Number("int64", (ctypes.c_int64,), (int, np.int64)),
    _Number("float32", (ctypes.c_float,), (np.float32,)),
    _Number("float64", (ctypes.c_double,), (float, np.float64)),
)
_BY_NAME = {number.name: number for number in NUMBERS}
_BY_TYPE = {kind: number.name for number in NUMBERS for kind in number.types}


def kinds(arguments: Iterable[Any]) -> tuple[str, ...]:
    """Names of the types of arguments: ``int64``, of arrays ``float32[4]``, of read-only ones ``float32[4] constant``.

    Of a tuple they are those of its items, in turn.

    Raises TypeError for what kernels do not take.
    """
    return tuple(map(_kind, _flat(arguments)))


def _kind(x: Any) -> str:
    if type(x) in _BY_TYPE:
        return _BY_TYPE[type(x)]
    if not isinstance(x, np.ndarray) or not x.flags.c_contiguous or not x.dtype.isnative:
        found = f"{x.dtype} with strides {x.strides}" if isinstance(x, np.ndarray) else type(x).__name__
        raise TypeError(f"found an argument of {found}; kernels take contiguous arrays of native numbers, and numbers")
    _, read_only = x.__array_interface__["data"]
    return f"{x.dtype}[{x.ndim}]{' constant' if read_only else ''}"


def _flat(arguments: Iterable[Any]) -> Iterator[Any]:
    for argument in arguments:
        if isinstance(argument, tuple):
            yield from _flat(argument)
        else:
            yield argument


class Loaded:
    """A kernel for some types of arguments. It holds no lock of Python's while it runs."""

    def __init__(self, code: Code) -> None:
        self._symbol = code.symbol
        self._kinds = [_of_kind(kind) for kind in code.kinds]
        c_types = [c_type for kind in self._kinds for c_type in kind.c_types]
        signature = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *c_types)
        self._function = signature(_address(code))

    def words(self, arguments: tuple[Any, ...]) -> list[Any] | None:
        """Arguments as the machine code takes them; None if they are of other types."""
        flat, words = [*_flat(arguments)], list[Any]()
        if len(flat) != len(self._kinds):
            return None
        for kind, value in zip(self._kinds, flat, strict=True):
            of_value = kind.words(value)
            if of_value is None:
                return None
            words += of_value
        return words

    def run(self, words: list[Any]) -> bool:
        """Whether it has returned something that is true. Raises MemoryError, the one error that kernels know."""
        result, exception = ctypes.c_int64(), ctypes.c_void_p()
        status = self._function(ctypes.byref(result), ctypes.byref(exception), *words)
        if status not in DONE:
            raise MemoryError(
                f"kernel {self._symbol}: no memory for scratch arrays, or no such arrays (status {status})"
            )
        return bool(result.value)


def _of_kind(name: str) -> _Number | _Array:
    if name in _BY_NAME:
        return _BY_NAME[name]
    dtype, axes = name.removesuffix(" constant").removesuffix("]").split("[")
    pointer, word = ctypes.c_void_p, ctypes.c_ssize_t
    c_types = (pointer, pointer, word, word, pointer, *[word] * 2 * int(axes))
    return _Array(c_types, np.dtype(dtype), int(axes), name.endswith(" constant"))


def machine() -> str:
    """Stands for the processor that code is for; numba takes another one if it is told to."""
    told = [os.environ.get(name, "") for name in TELL_NUMBA]
    try:
        features = llvm.get_host_cpu_features().flatten()
    except RuntimeError:  # LLVM knows them of some processors only
        features = ""
    return f"{llvm.get_process_triple()} {llvm.get_host_cpu_name()} {features} {told}"


def _address(code: Code) -> int:
    with _lock:
        linker = engine()
        linker.add_object_file(llvm.ObjectFileRef.from_data(code.binary))
        linker.finalize_object()
        address: int = linker.get_function_address(code.symbol)
    if not address:
        raise ImportError(f"machine code of a kernel has no function {code.symbol}")
    return address


def engine() -> Any:
    """What links machine code. Raises ImportError where that cannot be had."""
    with _lock:  # a second one would take its code with it when it goes
        return _made_engine()


@functools.cache
def _made_engine() -> Any:
    try:
        llvm.check_jit_execution()
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        target_machine = llvm.Target.from_default_triple().create_target_machine(codemodel="jitdefault", jit=True)
        for name, address in runtime().items():
            llvm.add_symbol(name, address)
        return llvm.create_mcjit_compiler(llvm.parse_assembly(""), target_machine)
    except (OSError, RuntimeError) as error:
        raise ImportError(f"LLVM runs no code here: {error}") from error


@functools.cache
def runtime() -> dict[str, int]:
    """Addresses of numba's functions for memory, from the one module of numba, in C, that has them."""
    package = find_spec("numba")
    if package is None or not package.submodule_search_locations:
        raise ImportError("numba is not installed")
    folders = [os.path.join(folder, "core", "runtime") for folder in package.submodule_search_locations]
    found = PathFinder.find_spec("numba.core.runtime._nrt_python", folders)
    if found is None or found.loader is None:
        raise ImportError(f"numba has no module _nrt_python in {folders[0]}")
    module = module_from_spec(found)
    found.loader.exec_module(module)
    try:
        module.memsys_use_cpython_allocator()  # as numba does when it is imported, which may happen while kernels run
        return {name if name.startswith("_") else f"NRT_{name}": at for name, at in module.c_helpers.items()}
    except AttributeError as error:
        raise ImportError(f"numba is not as it is known to be: {error}") from error
