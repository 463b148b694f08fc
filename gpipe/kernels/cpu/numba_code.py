"""Machine code of kernels, made by numba.

No ``fastmath``: LLVM then neither reorders nor contracts float operations, and results are those of the portable
functions.
"""

from collections.abc import Callable
from types import FunctionType
from typing import Any

import numba
from numba import types

from gpipe.exceptions import BackendError
from gpipe.kernels.cpu.compiling import HELPERS, CFunction
from gpipe.kernels.cpu.machine_code import Code, kinds, runtime

if getattr(numba.config, "DISABLE_JIT", False):
    raise ImportError("NUMBA_DISABLE_JIT is set")

njit: Any = numba.njit  # whose hints do not know all of its options
OPTIONS = {"error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Nothing is called from Python by way of numba, which halves the time that it takes to compile."""
RETURNS = (types.none, types.boolean)
OF_NUMBA = ("numba_", "_numba_", "NRT_", "_nrt_", "__svml_")
"""How functions begin that numba has LLVM know; all others are in the C library or in Python."""


def compiled(kernel: Callable[..., Any], arguments: tuple[Any, ...]) -> Code:
    """The machine code of a function, and of what it calls, for arguments of these types."""
    kinds_of_arguments = kinds(arguments)
    dispatcher = _numba(kernel)
    signature = tuple(numba.typeof(argument) for argument in arguments)
    dispatcher.compile(signature)
    made = dispatcher.overloads[signature]
    _check(kernel, made)
    return Code(made.fndesc.llvm_func_name, kinds_of_arguments, made.library._get_compiled_object())


def _check(kernel: Any, made: Any) -> None:
    """It must not need what is not there without numba: LLVM would end the process that loads it."""
    declared = {f.name for f in made.library._final_module.functions if f.is_declaration}
    if missing := sorted(name for name in declared - runtime().keys() if name.startswith(OF_NUMBA)):
        raise BackendError(f"kernel {kernel.__qualname__}: found calls of {', '.join(missing)}, which only numba has")
    if made.signature.return_type not in RETURNS:
        found = made.signature.return_type
        raise BackendError(f"kernel {kernel.__qualname__}: found that it returns {found}; expected a bool or nothing")


class _Numba(dict[Any, Any]):
    """What numba makes of functions, each once: copies of them, whose globals are what numba makes of those."""

    def __call__(self, function: Any) -> Any:
        if function not in self:
            self[function] = self._made(function)
        return self[function]

    def _made(self, function: Any) -> Any:
        if isinstance(function, CFunction):
            result, *arguments = (getattr(types, name) for name in (function.result, *function.arguments))
            return types.ExternalFunction(function.name, result(*arguments))
        names = {**function.__globals__}
        called = {n: names[n] for n in function.__code__.co_names if _is_called(names.get(n))}
        names |= {name: self(value) for name, value in called.items()}
        copy = FunctionType(function.__code__, names, function.__name__, function.__defaults__)
        return njit(**OPTIONS, **HELPERS.get(function, {}))(copy)


_numba = _Numba()


def _is_called(value: Any) -> bool:
    return isinstance(value, CFunction) or (isinstance(value, FunctionType) and value in HELPERS)
