"""Declarations of C functions, and checks of their arguments.

A declaration names the parameters in the order of C. C gets arrays as pointers and, after all parameters, the length
of each named axis, in the order in which the axes are named first:

    _count = Function("rscd_count", before=array(np.uint8, "groups rows"), skip=integer, found=output(np.int32, "rows"))

    KERNEL(void, rscd_count, (const uint8_t *restrict before, int64_t skip, int32_t *restrict found,
                              int64_t groups, int64_t rows))
"""

import ctypes
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
RESULTS = {None: "void", ctypes.c_int64: "int64_t", ctypes.c_bool: "bool"}
C_CONTIGUOUS, ALIGNED, WRITEABLE = 0x1, 0x100, 0x400
"""Bits of ``flags.num`` of NumPy's arrays, which takes less time than their names."""

FUNCTIONS: list["Function"] = []
"""Functions declared in all imported modules."""


class WrongArgumentError(Exception):
    """Attributes: ``kind``, the type of the error; ``found`` and ``expected``."""

    def __init__(self, kind: type[Exception], found: object, expected: object) -> None:
        super().__init__(kind, found, expected)
        self.kind, self.found, self.expected = kind, found, expected


@dataclass(frozen=True)
class Scalar:
    """A number: its types in Python, in C and for ctypes."""

    types: tuple[type, ...]
    in_c: str
    passed: Any

    def declared(self, name: str) -> str:
        return f"{self.in_c} {name}"

    def passed_as(self) -> list[Any]:
        return [self.passed]

    def add(self, value: Any, words: list[Any], lengths: dict[str, int]) -> None:
        """Check a value and append what C gets."""
        if not isinstance(value, self.types):
            raise WrongArgumentError(TypeError, type(value).__name__, self.in_c)
        words.append(value)


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

    def __post_init__(self) -> None:
        needed = ALIGNED | (WRITEABLE if self.is_written else 0) | (0 if self.is_strided else C_CONTIGUOUS)
        object.__setattr__(self, "_needed", needed)

    def declared(self, name: str) -> str:
        """The parameter, and its steps, in C."""
        pointer = f"{'' if self.is_written else 'const '}{IN_C[self.dtype.name]} *{name}"
        return ", ".join([pointer, *(f"int64_t {name}_by_{axis}" for axis in self._stepped())])

    def passed_as(self) -> list[Any]:
        """The same as types of ctypes."""
        return [ctypes.c_void_p, *(ctypes.c_int64 for _ in self._stepped())]

    def add(self, value: Any, words: list[Any], lengths: dict[str, int]) -> None:
        """Check an array, append what C gets, and note the lengths of its axes."""
        if value is None and self.is_optional:
            words.extend([None, *(0 for _ in self._stepped())])
            return
        if not isinstance(value, np.ndarray) or value.dtype != self.dtype:
            found = value.dtype if isinstance(value, np.ndarray) else type(value).__name__
            raise WrongArgumentError(TypeError, found, f"an array of {self.dtype}")
        flags, shape = value.flags.num, value.shape
        if flags & self._needed != self._needed:  # type: ignore[attr-defined]
            self._explain(value)
        if len(shape) != len(self.axes):
            raise WrongArgumentError(ValueError, f"shape {shape}", f"axes {', '.join(self.axes)}")
        for axis, length in zip(self.axes, shape):  # noqa: B905 - they are as many
            if lengths.setdefault(axis, length) != length:
                raise WrongArgumentError(ValueError, f"{length} {axis} in shape {shape}", lengths[axis])
        words.append(value.ctypes.data)
        if self.is_strided:
            words.extend(self._steps(value))

    def _stepped(self) -> tuple[str, ...]:
        return self.axes[:-1] if self.is_strided else ()

    def _steps(self, value: np.ndarray) -> list[int]:
        size, strides = value.itemsize, value.strides
        if value.size and ((strides[-1] != size and value.shape[-1] > 1) or any(step % size for step in strides)):
            raise WrongArgumentError(ValueError, f"strides {strides}", "a contiguous last axis")
        return [step // size for step in strides[:-1]]

    def _explain(self, value: np.ndarray) -> None:
        if not value.flags.aligned:
            raise WrongArgumentError(ValueError, "an array that is not aligned", "an aligned one")
        if self.is_written and not value.flags.writeable:
            raise WrongArgumentError(ValueError, "a read-only array", "one to write to")
        raise WrongArgumentError(ValueError, f"strides {value.strides}", "a contiguous array")


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
    returns : None, ``ctypes.c_int64`` or ``ctypes.c_bool``.
    parameters : made by `array` and `output`, or one of `integer`, `flag`, `real` and `double`.
    """

    def __init__(self, name: str, /, *, returns: Any = None, **parameters: Array | Scalar) -> None:
        self.name, self.returns = name, returns
        self._parameters = tuple(parameters.items())
        axes = dict.fromkeys(axis for p in parameters.values() if isinstance(p, Array) for axis in p.axes)
        self._fixed = {axis: int(axis) for axis in axes if axis.isdigit()}
        self._named = [axis for axis in axes if axis not in self._fixed]
        declared = [p.declared(key) for key, p in self._parameters] + [f"int64_t {axis}" for axis in self._named]
        self.text = f"{RESULTS[returns]} ({', '.join(declared)})"
        self.choose(library.load().variants[-1])
        FUNCTIONS.append(self)

    def choose(self, variant: str) -> None:
        """Call this variant from now on."""
        self._run = library.load().function(self.name, self.text, variant)
        self._run.restype = self.returns
        self._run.argtypes = [t for _, p in self._parameters for t in p.passed_as()] + [ctypes.c_int64] * len(
            self._named
        )

    def __call__(self, *values: Any) -> Any:
        if len(values) != len(self._parameters):
            raise TypeError(f"kernel {self.name}: found {len(values)} arguments; expected {len(self._parameters)}")
        words: list[Any] = []
        lengths = self._fixed.copy()
        for (key, parameter), value in zip(self._parameters, values):  # noqa: B905 - they are as many
            try:
                parameter.add(value, words, lengths)
            except WrongArgumentError as wrong:
                found = f"found {wrong.found}; expected {wrong.expected}"
                raise wrong.kind(f"kernel {self.name}: argument {key}: {found}") from None
        return self._run(*words, *[lengths.get(axis, 0) for axis in self._named])


def fits_c(x: np.ndarray) -> bool:
    """Tell whether C takes the array without a copy: contiguous and aligned."""
    return x.flags.num & (C_CONTIGUOUS | ALIGNED) == C_CONTIGUOUS | ALIGNED


def contiguous(x: np.ndarray) -> np.ndarray:
    """The array as C takes it: itself, or a copy."""
    return x if fits_c(x) else np.array(x, order="C")


def contiguous_rows(x: np.ndarray) -> np.ndarray:
    """The array as C takes a strided one: itself, or a copy if its last axis is not contiguous or it is not aligned."""
    fits = x.strides[-1] == x.itemsize and not any(step % x.itemsize for step in x.strides)
    return x if fits and x.flags.aligned else np.array(x, order="C")
