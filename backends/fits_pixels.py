"""Pixels as FITS stores them: big-endian, and unsigned integers shifted to signed ones."""

import os

import numpy as np


def fetch(descriptor: int, pieces: np.ndarray, target: np.ndarray) -> bool:
    """Read pieces of a file, one behind the other. Gives whether the file has them all.

    Parameters
    ----------
    pieces : int64, (piece, 2): where it begins in the file, and how many bytes it has.
    target : uint8, (byte,); as many as all pieces have.

    Raises
    ------
    OSError
        As the system has it.
    """
    for position, length in pieces.tolist():
        left, target = target[:length], target[length:]
        while left.size:
            got = os.preadv(descriptor, [left.data], position)
            if not got:
                return False
            left, position = left[got:], position + got
    return True


def decode(stored: np.ndarray, out: np.ndarray, *, scale: float, zero: float) -> None:
    """Put ``scale * stored + zero`` into ``out``.

    Parameters
    ----------
    stored : any real type of FITS.
    out : native, of the same shape: a floating type, or an unsigned integer wide enough for the values.
    """
    bits = 8 * stored.itemsize
    if scale == 1 and zero == 0:
        out[...] = stored
    elif scale == 1 and zero == 1 << (bits - 1) and out.dtype.kind == "u":
        # FITS has signed integers only: the shift by half the range is a flip of the highest bit.
        unsigned = stored.view(stored.dtype.str.replace("i", "u"))
        np.bitwise_xor(unsigned, unsigned.dtype.type(zero), out=out)
    elif scale == 1 and bits == 16 and out.dtype.kind == "f":  # exact in float32: no wider temporary
        np.add(stored, out.dtype.type(zero), out=out, dtype=out.dtype)
    else:
        out[...] = stored.astype(np.float64) * scale + zero
