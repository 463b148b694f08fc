"""Weighted fits of a few Fourier modes to samples with gaps."""

import math
from collections.abc import Sequence

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, Namespace

RIDGE = 1e-7
"""Added to the diagonal of a fit, relative to it: what rounding of float32 pixels leaves open is 0, not arbitrary."""


def fit_modes(samples: Array, weights: Array, modes: Sequence[int]) -> Array:
    """Complex amplitudes of Fourier modes, by weighted least squares.

    They minimise the sum over x of weights * abs(samples - sum over k of c_k exp(2 pi i k x / n) / n)^2.

    Parameters
    ----------
    samples : real floating, (…, x), n of them; where their weight is 0 they do not matter, but must be finite.
    weights : of the same shape, not negative.
    modes : the k, from 0 to n / 2.

    Returns
    -------
    complex, (…, k), scaled by n as a discrete Fourier transform is; 0 where all weights are 0.

    Notes
    -----
    The normal equations need only Fourier transforms of weights and weighted samples, because products of modes are
    modes. A fit of complex modes without their conjugates, as in Rauscher 2024, PASP 136, 015001
    (https://doi.org/10.1088/1538-3873/ad1b36).
    """
    xp = array_namespace(samples, weights)
    count, place = samples.shape[-1], device(samples)
    of_weights = xp.fft.rfft(weights, axis=-1)
    of_samples = xp.fft.rfft(weights * samples, axis=-1)
    distance = [abs(k - q) for k in modes for q in modes]
    upper = xp.asarray([[k <= q for q in modes] for k in modes], dtype=xp.bool, device=place)
    matrix = xp.take(of_weights, xp.asarray(distance, dtype=xp.int64, device=place), axis=-1)
    matrix = xp.reshape(matrix, (*weights.shape[:-1], len(modes), len(modes)))
    matrix = xp.where(upper, xp.conj(matrix), matrix)
    right = xp.take(of_samples, xp.asarray(list(modes), dtype=xp.int64, device=place), axis=-1)
    return count * _solve(matrix, right, xp=xp)


def _solve(matrix: Array, right: Array, *, xp: Namespace) -> Array:
    total = xp.real(matrix[..., :1, :1])
    some = total > 0
    scaled = xp.where(some, matrix, 0.0) / xp.where(some, total, 1.0)
    ridge = xp.where(some, xp.full_like(total, RIDGE), 1.0)
    unit = xp.eye(matrix.shape[-1], dtype=total.dtype, device=device(total))
    solution = xp.linalg.solve(scaled + ridge * unit, (right / xp.where(some, total, 1.0)[..., 0])[..., None])
    return xp.where(some[..., 0], solution[..., 0], 0.0)


def gaussian_spectrum(count: int, sigma: float, like: Array, *, xp: Namespace) -> Array:
    """Fourier transform of a circular Gaussian of unit area whose centre is at sample 1.

    jwst's kernels have their centre at sample 1, not 0, so that the result of a convolution is shifted by one sample.
    Precision and device are those of the real array ``like``.
    """
    x = xp.arange(count, dtype=like.dtype, device=device(like))
    centred = xp.where(x > count // 2 + 1, x - count, x) - 1.0
    kernel = xp.exp(-0.5 * (centred / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))
    return xp.fft.rfft(kernel)
