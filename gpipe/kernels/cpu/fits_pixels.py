"""``fetch`` and ``decode`` of ``gpipe.backends.fits_pixels``: many pieces of a file in one call, so that threads do not
wait for each other between them; and in one pass the two kinds of pixels that most files have."""

import os
import sys
from typing import Any

import numpy as np

from gpipe.backends import fits_pixels as portable
from gpipe.kernels.cpu.arguments import frozen
from gpipe.kernels.cpu.compiling import CFunction, kernel
from gpipe.kernels.cpu.tiles import F

BYTE, HIGHEST = np.uint16(8), np.uint16(0x8000)
pread: Any = CFunction("pread", "int64", ("int32", "int64", "int64", "int64"))
"""Where there is POSIX: descriptor, address, bytes, position."""


def fetch(descriptor: int, pieces: np.ndarray, target: np.ndarray) -> bool:
    """See ``gpipe.backends.fits_pixels.fetch``, which also knows what went wrong."""
    if hasattr(os, "preadv") and target.flags.c_contiguous and _fetch(np.int32(descriptor), frozen(pieces), target):
        return True
    return portable.fetch(descriptor, pieces, target)


@kernel
def _fetch(descriptor, pieces, target):
    address = np.int64(target.ctypes.data)
    for k in range(pieces.shape[0]):
        position, left = pieces[k, 0], pieces[k, 1]
        while left > 0:
            got = pread(descriptor, address, left, position)
            if got <= 0:
                return False
            address, position, left = address + got, position + got, left - got
    return True


def decode(stored: np.ndarray, out: np.ndarray, *, scale: float, zero: float) -> None:
    """See ``gpipe.backends.fits_pixels.decode``."""
    plain = scale == 1 and sys.byteorder == "little" and stored.flags.c_contiguous and out.flags.c_contiguous
    kinds = stored.dtype.str, out.dtype, zero
    if plain and kinds == (">i2", np.float32, 1 << 15):
        _counts(_bits(stored, np.uint16), out.reshape(-1))
    elif plain and kinds == (">f4", np.float32, 0):
        _swap(_bits(stored, np.uint32), out.reshape(-1).view(np.uint32))
    else:
        portable.decode(stored, out, scale=scale, zero=zero)


def _bits(stored: np.ndarray, dtype: Any) -> np.ndarray:
    return frozen(stored.reshape(-1).view(dtype))


@kernel
def _counts(stored, out):
    """Unsigned counts: FITS has signed integers only, which are half the range less."""
    for k in range(out.size):
        bits = stored[k]
        out[k] = F(np.uint16((bits << BYTE) | (bits >> BYTE)) ^ HIGHEST)


@kernel
def _swap(stored, out):
    for k in range(out.size):
        bits = stored[k]
        low = ((bits >> np.uint32(8)) & np.uint32(0x00FF00FF)) | ((bits & np.uint32(0x00FF00FF)) << np.uint32(8))
        out[k] = (low >> np.uint32(16)) | (low << np.uint32(16))
