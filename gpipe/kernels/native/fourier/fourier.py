"""The middle of Fourier transforms: ``twisted`` and ``untwisted`` of ``gpipe.arrays.fourier``, in one pass each."""

import numpy as np

from gpipe.arrays import fourier
from gpipe.arrays.fourier import SHORT
from gpipe.kernels.native.arguments import Function, array, contiguous, output

_turn = Function(
    "fourier_turn",
    pieces=array(np.float32, "number parts width"),
    cosine=array(np.float32, "half columns"),
    sine=array(np.float32, "half columns"),
    mixed=output(np.complex64, "half columns"),
)
_turn_back = Function(
    "fourier_turn_back",
    mixed=array(np.complex64, "half columns"),
    cosine=array(np.float32, "half columns"),
    sine=array(np.float32, "half columns"),
    pieces=output(np.float32, "number parts width"),
)


def twisted(pieces: np.ndarray, cosine: np.ndarray, sine: np.ndarray) -> np.ndarray:
    """``gpipe.arrays.fourier.twisted``."""
    half, columns = cosine.shape
    number, parts, width = pieces.shape
    if pieces.dtype != np.float32 or (parts, number * width) != (2 * half, columns):
        return fourier.twisted(pieces, cosine, sine)
    mixed = np.empty(cosine.shape, np.complex64)
    _turn(contiguous(pieces), contiguous(cosine), contiguous(sine), mixed)
    return mixed


def untwisted(mixed: np.ndarray, cosine: np.ndarray, sine: np.ndarray) -> np.ndarray:
    """``gpipe.arrays.fourier.untwisted``."""
    half, columns = cosine.shape
    width = min(SHORT, columns)
    if mixed.dtype != np.complex64 or columns % max(width, 1):
        return fourier.untwisted(mixed, cosine, sine)
    pieces = np.empty((columns // max(width, 1), 2 * half, width), np.float32)
    _turn_back(contiguous(mixed), contiguous(cosine), contiguous(sine), pieces)
    return pieces
