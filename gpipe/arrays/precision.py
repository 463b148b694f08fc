"""The floating-point type that arrays have, and the one to accumulate in."""

from typing import Any

from array_api_compat import device

from gpipe.arrays.types import Array, Namespace


def accumulator_dtype(x: Array, *, xp: Namespace) -> Any:
    """float64 where the device of ``x`` has it, else float32. For sums whose rounding would show in float32."""
    available = xp.__array_namespace_info__().dtypes(device=device(x), kind="real floating")
    return available.get("float64", xp.float32)


def all_float32(*arrays: Array | None) -> bool:
    """Tell whether arrays of NumPy or CuPy are float32, for which kernels are written; None is left out."""
    return all(x is None or x.dtype == "float32" for x in arrays)
