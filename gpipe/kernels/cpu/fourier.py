"""The middle of Fourier transforms: ``twisted`` and ``untwisted`` of ``gpipe.arrays.fourier``, in one pass each."""

import numpy as np

from gpipe.arrays import fourier
from gpipe.arrays.fourier import SHORT
from gpipe.kernels.cpu.arguments import frozen
from gpipe.kernels.cpu.compiling import kernel


def twisted(pieces: np.ndarray, cosine: np.ndarray, sine: np.ndarray) -> np.ndarray:
    """``gpipe.arrays.fourier.twisted``."""
    if pieces.dtype != np.float32:
        return fourier.twisted(pieces, cosine, sine)
    mixed = np.empty(cosine.shape, np.complex64)
    turn(frozen(pieces), frozen(cosine), frozen(sine), mixed)
    return mixed


def untwisted(mixed: np.ndarray, cosine: np.ndarray, sine: np.ndarray) -> np.ndarray:
    """``gpipe.arrays.fourier.untwisted``."""
    if mixed.dtype != np.complex64:
        return fourier.untwisted(mixed, cosine, sine)
    half, columns = cosine.shape
    width = min(SHORT, columns)
    pieces = np.empty((columns // width, 2 * half, width), np.float32)
    turn_back(frozen(mixed), frozen(cosine), frozen(sine), pieces)
    return pieces


@kernel
def turn(pieces, cosine, sine, mixed):
    """Write ``mixed``."""
    half, width = cosine.shape[0], pieces.shape[2]
    for r in range(half):
        for k in range(pieces.shape[0]):
            for j in range(width):
                real, imaginary = pieces[k, r, j], pieces[k, half + r, j]
                c, s = cosine[r, k * width + j], sine[r, k * width + j]
                mixed[r, k * width + j] = complex(real * c + imaginary * s, imaginary * c - real * s)


@kernel
def turn_back(mixed, cosine, sine, pieces):
    """Write ``pieces``."""
    half, width = cosine.shape[0], pieces.shape[2]
    for r in range(half):
        for k in range(pieces.shape[0]):
            for j in range(width):
                real, imaginary = mixed[r, k * width + j].real, mixed[r, k * width + j].imag
                c, s = cosine[r, k * width + j], sine[r, k * width + j]
                pieces[k, r, j] = real * c - imaginary * s
                pieces[k, half + r, j] = imaginary * c + real * s
