"""Fourier transform of long real streams whose length is a power of two times a short odd number.

FFT libraries are slow where the length has a large prime factor: a frame of IRS2 readout has 89 · 2¹⁴ samples. Here the
odd part is a matrix product and the rest a fast transform (Cooley & Tukey 1965, Math. Comput. 19, 297).
"""

import math
from collections.abc import Callable
from typing import Any

from array_api_compat import array_namespace, device

from gpipe.arrays.precision import accumulator_dtype
from gpipe.arrays.types import Array, Namespace

SHORT = 32
"""Columns of one matrix product: few enough that BLAS starts no threads beside the caller's."""


class Fourier:
    """The unitary transform of real streams of one length.

    With the length n = q · p, q odd and p a power of two, a spectrum is held as (r, c) for the frequencies q c + r with
    r = 0 … (q - 1)/2 and c = 0 … p - 1; others are complex conjugates of these. See `arranged`.

    Parameters
    ----------
    like : real floating, (time,): a stream of the length, dtype and device of those to come.
    native : gives a kernel for `twisted` and `untwisted`, or the function.
    """

    def __init__(self, like: Array, *, native: Callable[[Any], Any] = lambda function: function) -> None:
        self._xp = xp = array_namespace(like)
        length = like.shape[0]
        self._odd = _odd_part(length)
        half, self._power = self._odd // 2 + 1, length // self._odd
        angle = self._angles(half, self._odd, self._odd, like)
        cosine, sine = (xp.astype(f(angle), like.dtype) / math.sqrt(self._odd) for f in (xp.cos, xp.sin))
        twice = xp.asarray([[1.0]] + [[2.0]] * (half - 1), dtype=like.dtype, device=device(like))  # with conjugates
        self._split = xp.concat([cosine, -sine])
        self._join = xp.matrix_transpose(xp.concat([twice * cosine, -twice * sine]))
        angle = self._angles(half, self._power, length, like)
        self._cosine, self._sine = (xp.astype(f(angle), like.dtype) for f in (xp.cos, xp.sin))
        self._twisted, self._untwisted = native(twisted), native(untwisted)

    def spectrum(self, stream: Array) -> Array:
        """Real floating, (time,), to complex, (r, c)."""
        xp = self._xp
        pieces = xp.matmul(self._split, _pieces(xp.reshape(stream, (self._odd, self._power)), xp=xp))
        mixed = self._twisted(pieces, self._cosine, self._sine)
        del pieces
        return xp.fft.fft(mixed, norm="ortho")  # of single precision in NumPy, which is not so with a factor of 1

    def stream(self, spectrum: Array) -> Array:
        """The real part of the inverse of `spectrum`."""
        xp = self._xp
        pieces = self._untwisted(xp.fft.ifft(spectrum, norm="ortho"), self._cosine, self._sine)
        pieces = xp.matmul(self._join, pieces)
        return xp.reshape(_together(pieces, xp=xp), (-1,))

    def _angles(self, rows: int, columns: int, period: int, like: Array) -> Array:
        """2π · row · column / period, in the accumulation dtype."""
        xp = self._xp
        row, column = (xp.arange(size, dtype=xp.int64, device=device(like)) for size in (rows, columns))
        product = row[:, None] * column
        if rows * columns > period:
            product = product % period
        return xp.astype(product, accumulator_dtype(like, xp=xp)) * (2 * math.pi / period)


def twisted(pieces: Array, cosine: Array, sine: Array) -> Array:
    """Real and imaginary parts to complex numbers, turned by the angles of which cosine and sine are given.

    Parameters
    ----------
    pieces : real floating, (piece, 2 r, column of the piece): real, then imaginary parts.
    cosine, sine : (r, c); numbers are multiplied by cosine - i · sine.

    Returns
    -------
    complex, (r, c).
    """
    xp = array_namespace(pieces, cosine, sine)
    half = cosine.shape[0]
    real, imaginary = (_together(pieces[:, which, :], xp=xp) for which in (slice(0, half), slice(half, None)))
    dtype = xp.complex64 if pieces.dtype == xp.float32 else xp.complex128
    return xp.astype(real * cosine + imaginary * sine, dtype) + 1j * (imaginary * cosine - real * sine)


def untwisted(mixed: Array, cosine: Array, sine: Array) -> Array:
    """The inverse: (r, c) to real and imaginary parts, (piece, 2 r, column of the piece)."""
    xp = array_namespace(mixed, cosine, sine)
    real, imaginary = xp.real(mixed), xp.imag(mixed)
    turned = xp.concat([real * cosine - imaginary * sine, imaginary * cosine + real * sine])
    return _pieces(turned, xp=xp)


def arranged(values: Array) -> Array:
    """Values of all frequencies, (…, frequency), in the arrangement of a spectrum of `Fourier`: (…, r, c)."""
    xp = array_namespace(values)
    *lead, length = values.shape
    odd = _odd_part(length)
    grid = xp.reshape(values, (*lead, length // odd, odd))[..., : odd // 2 + 1]
    out = xp.empty((*lead, odd // 2 + 1, length // odd), dtype=values.dtype, device=device(values))
    out[...] = xp.matrix_transpose(grid)
    return out


def _odd_part(length: int) -> int:
    return length // (length & -length)


def _pieces(x: Array, *, xp: Namespace) -> Array:
    """(row, column) to (piece, row, column of the piece)."""
    rows, columns = x.shape
    turned = xp.permute_dims(xp.reshape(x, (rows, -1, min(SHORT, columns))), (1, 0, 2))
    # A copy, since rows of the view lie a power of two apart, which caches do not hold for the product.
    pieces = xp.empty(turned.shape, dtype=x.dtype, device=device(x))
    pieces[...] = turned
    return pieces


def _together(pieces: Array, *, xp: Namespace) -> Array:
    """The inverse of `_pieces`."""
    return xp.reshape(xp.permute_dims(pieces, (1, 0, 2)), (pieces.shape[1], -1))
