"""The memory that arrays are in."""

from array_api_compat import is_numpy_array

from gpipe.arrays.types import Array


def is_on_host(x: Array) -> bool:
    """Tell whether an array is in host memory, where small blocks are fastest and values can be read at once.

    Arrays of NumPy are. Those of every other library count as on a device, so that the names of devices do not matter.
    """
    return is_numpy_array(x)
