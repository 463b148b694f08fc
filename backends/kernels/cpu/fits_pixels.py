"""Pixels of files in one pass: ``gpipe.backends.fits_pixels.decode``, for the two kinds that most of them are."""

import sys
from typing import Any

import numpy as np

from gpipe.backends.fits_pixels import decode as portable
from gpipe.backends.kernels.cpu.compiling import frozen, kernel
from gpipe.backends.kernels.cpu.tiles import F

BYTE, HIGHEST = np.uint16(8), np.uint16(0x8000)


def decode(stored: np.ndarray, out: np.ndarray, *, scale: float, zero: float) -> None:
    """See ``gpipe.backends.fits_pixels.decode``."""
    plain = scale == 1 and sys.byteorder == "little" and stored.flags.c_contiguous and out.flags.c_contiguous
    kinds = stored.dtype.str, out.dtype, zero
    if plain and kinds == (">i2", np.float32, 1 << 15):
        _counts(_bits(stored, np.uint16), out.reshape(-1))
    elif plain and kinds == (">f4", np.float32, 0):
        _swap(_bits(stored, np.uint32), out.reshape(-1).view(np.uint32))
    else:
        portable(stored, out, scale=scale, zero=zero)


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
