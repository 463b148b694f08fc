"""Machine code of kernels, loaded and called without numba, whose import takes as long as many an exposure.

numba's functions for a CPU have the C signature ``int32 f(result *, exception **, arguments…)``. Of an array they get
seven things: who owns it and its memory (nobody), how many items, their size, the address, all lengths, all strides;
of a tuple its items; of a number itself. What compiles them says of what types they are (``numba_code``).
"""

import ctypes
import functools
import operator
import os
import threading
from collections.abc import Callable, Iterator
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Any, NamedTuple

import numpy as np
from llvmlite import binding as llvm

OF_RUNTIME = ("MemInfo_alloc_aligned", "MemInfo_call_dtor")
"""What kernels that make arrays call."""
TELL_NUMBA = ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_ENABLE_AVX", "NUMBA_OPT")
"""Variables that change the code that it makes."""
DONE = (0, -2)
"""Status of a call that has returned something, or nothing."""

_lock = threading.RLock()


class Code(NamedTuple):
    """Machine code of a kernel.

    ``arguments`` are ``int64`` and the like or, with their number of axes, contiguous arrays: ``float32[4]``.
    """

    symbol: str
    arguments: tuple[str, ...]
    binary: bytes


class _Number(NamedTuple):
    c_types: tuple[type, ...]
    convert: Callable[[Any], Any]

    def add_to(self, words: list[Any], value: Any) -> None:
        words.append(self.convert(value))


class _Array(NamedTuple):
    c_types: tuple[type, ...]
    dtype: np.dtype
    axes: int

    def add_to(self, words: list[Any], x: np.ndarray) -> None:
        known = x.__array_interface__
        shape = known["shape"]
        if known["typestr"] != self.dtype.str or len(shape) != self.axes or known["strides"] is not None:
            found = f"{x.dtype} of shape {shape}, strides {x.strides}"
            raise TypeError(f"expected a contiguous array of {self.dtype} with {self.axes} axes, found {found}")
        words += (None, None, x.size, self.dtype.itemsize, known["data"][0], *shape, *x.strides)


NUMBERS = {
    "bool": _Number((ctypes.c_bool,), bool),
    "int32": _Number((ctypes.c_int32,), operator.index),
    "int64": _Number((ctypes.c_int64,), operator.index),
    "float32": _Number((ctypes.c_float,), float),
    "float64": _Number((ctypes.c_double,), float),
}


def _argument(kind: str) -> _Number | _Array:
    if kind in NUMBERS:
        return NUMBERS[kind]
    name, axes = kind.removesuffix("]").split("[")
    pointer, word = ctypes.c_void_p, ctypes.c_ssize_t
    return _Array((pointer, pointer, word, word, pointer, *[word] * 2 * int(axes)), np.dtype(name), int(axes))


def machine() -> str:
    """Stands for the processor that code is for; numba takes another one if it is told to."""
    told = {name: value for name, value in os.environ.items() if name in TELL_NUMBA}
    try:
        features = llvm.get_host_cpu_features().flatten()
    except RuntimeError:  # LLVM knows them of some processors only
        features = ""
    return f"{llvm.get_process_triple()} {llvm.get_host_cpu_name()} {features} {told}"


def loaded(code: Code) -> Callable[..., bool]:
    """The function: arguments as they were when it was compiled, true if it has returned something that is.

    It holds no lock of Python's while it runs. Raises TypeError for arrays of another type, MemoryError.
    """
    kinds = [_argument(kind) for kind in code.arguments]
    c_types = [c_type for kind in kinds for c_type in kind.c_types]
    function = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *c_types)(_address(code))

    def call(*arguments: Any) -> bool:
        words: list[Any] = []
        for kind, value in zip(kinds, _flat(arguments), strict=True):
            kind.add_to(words, value)
        result, exception = ctypes.c_int64(), ctypes.c_void_p()
        if function(ctypes.byref(result), ctypes.byref(exception), *words) not in DONE:
            raise MemoryError(f"no memory for the scratch arrays of the kernel {code.symbol}")
        return bool(result.value)

    return call


def _flat(arguments: tuple[Any, ...]) -> Iterator[Any]:
    for argument in arguments:
        if isinstance(argument, tuple):
            yield from _flat(argument)
        else:
            yield argument


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
    """What links machine code. Raises ImportError if numba is not installed, or not as it is known to be."""
    with _lock:  # a second one would take its code with it when it goes
        return _made_engine()


@functools.cache
def _made_engine() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target_machine = llvm.Target.from_default_triple().create_target_machine(codemodel="jitdefault", jit=True)
    for name, address in _runtime().items():
        llvm.add_symbol(name, address)
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), target_machine)


def _runtime() -> dict[str, int]:
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
    return {f"NRT_{name}": module.c_helpers[name] for name in OF_RUNTIME}
