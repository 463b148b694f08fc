"""Declarations of C functions, and checks of what they are given.

A declaration names the parameters in the order of C. C gets arrays as pointers and, after all parameters, the length
of each named axis, in the order in which the axes are named first:

    _count = Function("rscd_count", before=array(np.uint8, "groups rows"), skip=integer, found=output(np.int32, "rows"))

    KERNEL(void, rscd_count, (const uint8_t *restrict before, int64_t skip, int32_t *restrict found,
                              int64_t groups, int64_t rows))
"""

import ctypes
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpipe.kernels.native import library

IN_C = {
    "bool": "bool", "int8": "int8_t", "int16": "int16_t", "int32": "int32_t", "int64": "int64_t", "uint8": "uint8_t",
    "uint16": "uint16_t", "uint32": "uint32_t", "uint64": "uint64_t", "float32": "float", "float64": "double",
    "complex64": "float", "complex128": "double",
}  # fmt: skip
"""Types of C for those of NumPy; complex numbers are pairs of floats."""
C_CONTIGUOUS, ALIGNED, WRITEABLE = 0x1, 0x100, 0x400
"""Bits of ``flags.num`` of NumPy's arrays."""

FUNCTIONS: list["Function"] = []
"""All that have been declared in modules that are imported."""


@dataclass(frozen=True)
class Scalar:
    """A number: its types in Python, in C and for ctypes."""

    types: tuple[type, ...]
    in_c: str
    passed: Any


integer = Scalar((int, np.integer), "int64_t", ctypes.c_int64)
flag = Scalar((bool, np.bool_), "bool", ctypes.c_bool)
real = Scalar((np.float32,), "float", ctypes.c_float)
double = Scalar((float,), "double", ctypes.c_double)


@dataclass(frozen=True)
class Array:
    """An array of one type whose axes have names, or lengths.

    Attributes
    ----------
    axes : a name for each axis that C gets the length of; axes of one name have one length. A number is the length.
    is_written : whether C writes to it.
    is_optional : whether it may be None, which C gets as NULL.
    is_strided : whether only its last axis needs to be contiguous; C gets, after the pointer, the elements from one
        item to the next of each other axis.
    """

    dtype: np.dtype
    axes: tuple[str, ...]
    is_written: bool = False
    is_optional: bool = False
    is_strided: bool = False

    def in_c(self, name: str) -> str:
        pointer = f"{'' if self.is_written else 'const '}{IN_C[self.dtype.name]} *{name}"
        steps = self.axes[:-1] if self.is_strided else ()
        return ", ".join([pointer, *(f"int64_t {name}_by_{axis}" for axis in steps)])


def array(dtype: Any, axes: str, **options: bool) -> Array:
    """An array that C reads; options as in `Array`."""
    return Array(np.dtype(dtype), tuple(axes.split()), **options)


def output(dtype: Any, axes: str, **options: bool) -> Array:
    """An array that C writes to; options as in `Array`."""
    return array(dtype, axes, is_written=True, **options)


class Function:
    """A kernel in C, called with the parameters in their order.

    Parameters
    ----------
    name : in C, without ``gpipe_`` and without the variant.
    returns : None, or a type of ctypes.
    parameters : made by `array` and `output`, or one of `integer`, `flag`, `real` and `double`.
    """

    def __init__(self, name: str, /, *, returns: Any = None, **parameters: Array | Scalar) -> None:
        self.name, self.returns, self._parameters = name, returns, tuple(parameters.items())
        arrays = [(key, p) for key, p in parameters.items() if isinstance(p, Array)]
        named = dict.fromkeys(axis for _, p in arrays for axis in p.axes if not axis.isdigit())
        self._lengths = dict.fromkeys(named, -1)
        result = {None: "void", ctypes.c_int64: "int64_t", ctypes.c_bool: "bool"}[returns]
        in_c = [p.in_c(key) if isinstance(p, Array) else f"{p.in_c} {key}" for key, p in parameters.items()]
        self.text = f"{result} ({', '.join([*in_c, *(f'int64_t {axis}' for axis in named)])})"
        self.choose(library.load().variants[-1])
        FUNCTIONS.append(self)

    def choose(self, variant: str) -> None:
        """Call this variant from now on."""
        self._run = library.load().function(self.name, self.text, variant)
        self._run.restype = self.returns
        self._run.argtypes = list(self._passed())

    def __call__(self, *values: Any) -> Any:
        if len(values) != len(self._parameters):
            raise TypeError(f"kernel {self.name}: found {len(values)} arguments; expected {len(self._parameters)}")
        words: list[Any] = []
        lengths = self._lengths.copy()
        for (key, parameter), value in zip(self._parameters, values, strict=True):
            if isinstance(parameter, Array):
                self._add_array(key, parameter, value, words, lengths)
            elif isinstance(value, parameter.types):
                words.append(value)
            else:
                raise TypeError(self._wrong(key, type(value).__name__, parameter.in_c))
        return self._run(*words, *(max(length, 0) for length in lengths.values()))

    def _add_array(self, key: str, given: Array, value: Any, words: list[Any], lengths: dict[str, int]) -> None:
        if value is None and given.is_optional:
            words.extend([None, *([0] * (len(given.axes) - 1) if given.is_strided else ())])
            return
        self._check_kind(key, given, value)
        for axis, length in zip(given.axes, value.shape, strict=True):
            expected = int(axis) if axis.isdigit() else lengths[axis]
            if expected not in (length, -1):
                raise ValueError(self._wrong(key, f"{length} {axis}", f"{expected}: shape {value.shape}"))
            if expected == -1:
                lengths[axis] = length
        words.append(value.ctypes.data)
        if given.is_strided:
            words.extend(self._steps(key, value))

    def _check_kind(self, key: str, given: Array, value: Any) -> None:
        if not isinstance(value, np.ndarray):
            raise TypeError(self._wrong(key, type(value).__name__, f"an array of {given.dtype}"))
        if value.dtype != given.dtype:
            raise TypeError(self._wrong(key, str(value.dtype), str(given.dtype)))
        if value.ndim != len(given.axes):
            raise ValueError(self._wrong(key, f"shape {value.shape}", f"axes {', '.join(given.axes)}"))
        flags = value.flags.num
        if not flags & C_CONTIGUOUS and not given.is_strided:
            raise ValueError(self._wrong(key, f"strides {value.strides}", "a contiguous array"))
        if not flags & ALIGNED:
            raise ValueError(self._wrong(key, "an array that is not aligned", "an aligned one"))
        if given.is_written and not flags & WRITEABLE:
            raise ValueError(self._wrong(key, "a read-only array", "one to write to"))

    def _steps(self, key: str, value: np.ndarray) -> Iterable[int]:
        size = value.itemsize
        if value.strides[-1] != size and value.shape[-1] > 1:
            raise ValueError(self._wrong(key, f"strides {value.strides}", "a contiguous last axis"))
        if any(step % size for step in value.strides[:-1]):
            raise ValueError(self._wrong(key, f"strides {value.strides}", f"multiples of {size}"))
        return [step // size for step in value.strides[:-1]]

    def _wrong(self, key: str, found: str, expected: str) -> str:
        return f"kernel {self.name}: argument {key}: found {found}; expected {expected}"

    def _passed(self) -> Iterable[Any]:
        """Types of ctypes."""
        for _, parameter in self._parameters:
            if isinstance(parameter, Scalar):
                yield parameter.passed
                continue
            yield ctypes.c_void_p
            yield from [ctypes.c_int64] * (len(parameter.axes) - 1 if parameter.is_strided else 0)
        yield from [ctypes.c_int64] * len(self._lengths)


def contiguous(x: np.ndarray) -> np.ndarray:
    """The array as C takes it: itself, or a copy if it is not contiguous or not aligned."""
    needed = C_CONTIGUOUS | ALIGNED
    return x if x.flags.num & needed == needed else np.array(x, order="C")
