"""Pixels of FITS files, decoded on the device: what crosses the bus are the bytes of the file."""

from array_api_compat import array_namespace, device

from gpipe.arrays import Array
from gpipe.kernels.cuda import sources

HIGHEST_BIT = 1 << 31


def is_covered(stored: str, wanted: str, *, scale: float, zero: float) -> bool:
    """Tell whether a kernel converts a stored type to a native one, both as ``dtype.str`` without byte order.

    Kernels exist for science pixels of raw files (int16 to float32), pixels of all other files (float32) and their
    flags (int32 to uint32).
    """
    if scale != 1:
        return False
    return (stored, wanted) == ("i2", "f4") or (stored, wanted, zero) in (("f4", "f4", 0), ("i4", "u4", HIGHEST_BIT))


def decode(stored: Array, dtype: str, *, zero: float) -> Array:
    """``stored + zero`` as a new array.

    Parameters
    ----------
    stored : the bytes of the file, as uint16 or uint32; any shape.
    dtype : float32 or uint32.
    """
    xp, stored = array_namespace(stored), sources.contiguous(stored)
    values = xp.empty(stored.shape, dtype=xp.float32 if dtype == "f4" else xp.uint32, device=device(stored))
    if stored.dtype == xp.uint16:
        sources.launch("fits", "shifted_int16", stored.size, stored, stored.size, float(zero), values)
    else:
        sources.launch("fits", "swapped_32", stored.size, stored, stored.size, int(zero), values)
    return values
