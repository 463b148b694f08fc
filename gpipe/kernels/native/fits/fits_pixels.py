"""``fetch`` and ``decode`` of ``gpipe.backends.fits_pixels``: many pieces of a file in one call, so that threads do not
wait for each other between them; and in one pass the two kinds of pixels that most files have."""

import ctypes
import os
import sys
from typing import Any

import numpy as np

from gpipe.backends import fits_pixels as portable
from gpipe.kernels.native.arguments import Function, array, contiguous, fits_c, integer, output

_fetch = Function(
    "fits_fetch",
    returns=ctypes.c_bool,
    descriptor=integer,
    pieces=array(np.int64, "number 2"),
    target=output(np.uint8, "bytes"),
)
_counts = Function("fits_counts", stored=array(np.uint16, "pixels"), out=output(np.float32, "pixels"))
_floats = Function("fits_floats", stored=array(np.uint32, "pixels"), out=output(np.uint32, "pixels"))


def fetch(descriptor: int, pieces: np.ndarray, target: np.ndarray) -> bool:
    """See ``gpipe.backends.fits_pixels.fetch``, which also knows what went wrong."""
    can_read = hasattr(os, "preadv") and target.flags.c_contiguous
    return (can_read and _fetch(descriptor, contiguous(pieces), target)) or portable.fetch(descriptor, pieces, target)


def decode(stored: np.ndarray, out: np.ndarray, *, scale: float, zero: float) -> None:
    """See ``gpipe.backends.fits_pixels.decode``."""
    plain = scale == 1 and sys.byteorder == "little" and fits_c(stored) and fits_c(out)
    kinds = stored.dtype.str, out.dtype, zero
    if plain and kinds == (">i2", np.float32, 1 << 15):
        _counts(_bits(stored, np.uint16), out.reshape(-1))
    elif plain and kinds == (">f4", np.float32, 0):
        _floats(_bits(stored, np.uint32), _bits(out, np.uint32))
    else:
        portable.decode(stored, out, scale=scale, zero=zero)


def _bits(values: np.ndarray, dtype: Any) -> np.ndarray:
    return values.reshape(-1).view(dtype)
