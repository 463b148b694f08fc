"""Simple Improved Reference Subtraction: row noise by optimal convolution of the side reference pixels."""

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, Namespace, accumulator_dtype, nanmedian
from gpipe.arrays.detector import EDGE

MAD_TO_SIGMA = 1.48
"""Standard deviation of a Gaussian in units of its median absolute deviation, rounded as jwst has it."""


def convolution_kernels(coefficients: Array, *, gaussmooth: float, halfwidth: int) -> Array:
    """Kernels from their Fourier coefficients, cut off and smoothed.

    Parameters
    ----------
    coefficients : complex, (…, frequency), of kernels that are periodic over twice (frequencies - 1) rows.
    gaussmooth : standard deviation, rows, of the Gaussian that they are smoothed with; 0: not at all.
    halfwidth : rows from the centre to the last tap. Taps further off than the period are 0.

    Returns
    -------
    (…, tap), 2 * halfwidth + 1 taps, centred on the row that is corrected. float32 for complex64, else float64.
    """
    xp = array_namespace(coefficients)
    period = 2 * (coefficients.shape[-1] - 1)
    lag = xp.arange(-halfwidth, halfwidth + 1, dtype=xp.int64, device=device(coefficients))
    known = (lag >= -(period // 2)) & (lag < period // 2)
    taps = xp.where(known, xp.take(xp.fft.irfft(coefficients, n=period), lag % period, axis=-1), 0.0)
    if gaussmooth == 0:
        return taps
    offset = xp.astype(lag, taps.dtype)
    window = xp.exp(-(offset**2) / (2 * gaussmooth**2))
    return convolve_rows(taps, (window / xp.sum(window))[None, :], xp=xp)[..., 0]


def optimal_side_signal(data: Array, column_signal: Array, kernels: Array, *, sigreject: float, xp: Namespace) -> Array:
    """Reference signal of every row of every amplifier of a full frame.

    On each side, pixels further than ``sigreject`` robust standard deviations from the median of the side are left
    out. With the mean l of the four pixels of a row, left-out ones counting 0, and their good share n, the signal is
    (l * k) (1 * k) / (n * k), summed over both sides, with the kernel k of the side and the amplifier. Where no good
    pixel is in reach of a kernel, its side adds 0.

    Parameters
    ----------
    data : (integration, group, 2048, 2048), DN, detector frame. NaN are left out.
    column_signal : (integration, group, 2048), DN, of each column: subtracted first.
    kernels : (side, amplifier, tap), left side first.
    sigreject : in standard deviations, from the median absolute deviation.

    Returns
    -------
    (integration, group, row, amplifier), DN, in the accumulation dtype.

    Source: https://jwst-pipeline.readthedocs.io/en/latest/jwst/refpix/description.html (SIRS)
    """
    exact = accumulator_dtype(data, xp=xp)
    kernels = xp.astype(kernels, exact)
    signal = xp.zeros((), dtype=exact, device=device(data))
    for side, columns in enumerate((slice(0, EDGE), slice(data.shape[-1] - EDGE, data.shape[-1]))):
        pixels = xp.astype(data[..., columns], exact) - column_signal[..., None, columns]
        good = _not_outlying(pixels, sigreject, xp=xp)
        level = xp.mean(xp.where(good, pixels, 0.0), axis=-1)
        share = xp.mean(xp.astype(good, exact), axis=-1)
        kernel = kernels[side, ...]
        known = convolve_rows(share, kernel, xp=xp)
        reached = known != 0
        scale = convolve_rows(xp.ones_like(share[0, 0, :]), kernel, xp=xp) / xp.where(reached, known, 1.0)
        signal = signal + xp.where(reached, convolve_rows(level, kernel, xp=xp) * scale, 0.0)
    return signal


def convolve_rows(x: Array, kernels: Array, *, xp: Namespace) -> Array:
    """(…, row) convolved with each of (kernel, tap), beyond both ends zero: (…, row, kernel).

    Sums are direct: where all values in reach are 0 the result is exactly 0, which a Fourier transform does not give.
    """
    rows, taps = x.shape[-1], kernels.shape[-1]
    ends = xp.zeros((*x.shape[:-1], taps // 2), dtype=x.dtype, device=device(x))
    padded = xp.concat([ends, x, ends], axis=-1)
    row = xp.arange(rows, dtype=xp.int64, device=device(x))
    reach = row[:, None] + xp.arange(taps, dtype=xp.int64, device=device(x))[None, :]
    windows = xp.reshape(xp.take(padded, xp.reshape(reach, (-1,)), axis=-1), (*x.shape, taps))
    return xp.matmul(windows, xp.matrix_transpose(xp.flip(kernels, axis=-1)))


def _not_outlying(pixels: Array, limit: float, *, xp: Namespace) -> Array:
    """Pixels of (integration, group, row, column) that are near the median of their group; never NaN."""
    values = xp.reshape(pixels, (*pixels.shape[:2], -1))
    middle = nanmedian(values, axis=-1, xp=xp)
    deviation = xp.abs(values - middle[..., None])
    sigma = MAD_TO_SIGMA * nanmedian(deviation, axis=-1, xp=xp)
    return xp.reshape(deviation <= limit * sigma[..., None], pixels.shape)
