"""Noise of NIRSpec full frames as a few Fourier modes in each line (NSClean)."""

import math

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, Namespace, accumulator_dtype
from gpipe.arrays.detector import DETECTOR_SIZE
from gpipe.arrays.masked import median_where
from gpipe.clean_flicker_noise.detector_frame import to_detector, to_science
from gpipe.clean_flicker_noise.fourier_fit import fit_modes, gaussian_spectrum

CUTOFF = 16 / (2 * DETECTOR_SIZE)
"""Frequency at which the low-pass filter lets half through, 1/pixel."""
ROLL_OFF = CUTOFF / 4
DENSITY_SIGMA = 32.0
"""Pixels over which the density of background pixels in a line is smoothed."""
SPARSE = 0.1
"""Least density of the line before, as a share of this line's density; below it this line's density is used."""
SMOOTHING_SIGMA = 1.5
"""Lines over which the fits are smoothed."""
REFERENCE_LINES = 4
"""Lines at both ends that are not fitted."""
OUTLIER = 3.0
MAD_TO_SIGMA = 1.4826


def fit_full_frame(image: Array, mask: Array, *, detector: str) -> Array:
    """Noise of a full frame: the lowest Fourier modes of the background in each line, smoothed from line to line.

    Outliers of a line are replaced by its median. Pixels weigh the inverse of the density of background pixels
    around them. Lines with fewer pixels than modes are not fitted.

    Parameters
    ----------
    image : float32, (2048, 2048), science frame, background subtracted, finite.
    mask : bool, (2048, 2048), the pixels that are background.
    detector : ``"NRS1"`` or ``"NRS2"``, which says how lines run.

    Returns
    -------
    float32, (2048, 2048).

    Notes
    -----
    Rauscher 2024, PASP 136, 015001, https://doi.org/10.1088/1538-3873/ad1b36. As in jwst the density of a line is
    that of the line before, one pixel earlier, and the noise is one line and one pixel late.
    """
    xp = array_namespace(image, mask)
    exact = accumulator_dtype(image, xp=xp)
    lines, allowed = to_detector(image, detector), to_detector(mask, detector)
    gains = _gains(lines.shape[-1])
    weight = xp.where(allowed, 1.0 / _density(allowed, image.dtype, xp=xp), 0.0)
    samples = xp.astype(_without_outliers(lines, allowed, xp=xp), exact)
    amplitudes = fit_modes(samples, xp.astype(weight * weight, exact), range(len(gains)))
    fitted = xp.count_nonzero(allowed, axis=-1, keepdims=True) >= len(gains)
    number = xp.arange(lines.shape[0], dtype=exact, device=device(image))[:, None]
    fitted = fitted & (number >= REFERENCE_LINES) & (number < lines.shape[0] - REFERENCE_LINES)
    gain = xp.asarray(gains, dtype=exact, device=device(image))
    smooth = _smoothed(xp.where(fitted, amplitudes * gain, 0.0), xp=xp)
    noise = xp.roll(xp.fft.irfft(smooth, n=lines.shape[-1], axis=-1), 1, axis=-1)
    return to_science(xp.astype(noise, image.dtype), detector)


def _gains(length: int) -> list[float]:
    """Gains of the modes that the low-pass filter passes."""
    gains = []
    for k in range(length // 2 + 1):
        off = (k / length - CUTOFF) / ROLL_OFF
        gains.append(1.0 if off <= -0.5 else 0.5 * (1 - math.sin(math.pi * off)) if off < 0.5 else 0.0)
    return gains[: max(k for k, gain in enumerate(gains) if gain > 0) + 1]


def _density(mask: Array, dtype: object, *, xp: Namespace) -> Array:
    """Share of background pixels around each one, in the line before unless that has far fewer; at least 1e-6."""
    length = mask.shape[-1]
    share = xp.astype(mask, dtype)
    spectrum = gaussian_spectrum(length, DENSITY_SIGMA, share, xp=xp)
    own = xp.fft.irfft(xp.fft.rfft(share, axis=-1) * spectrum, n=length, axis=-1)
    before = xp.roll(own, 1, axis=0)
    return xp.clip(xp.where(before > SPARSE * own, before, own), 1e-6, None)


def _without_outliers(lines: Array, mask: Array, *, xp: Namespace) -> Array:
    """Values beyond 3 sigma of a line, by its median absolute deviation, become its median."""
    median = median_where(lines, mask, axis=-1, xp=xp)
    off = lines - median
    reach = OUTLIER * MAD_TO_SIGMA * median_where(xp.abs(off), mask, axis=-1, xp=xp)
    return xp.where(xp.abs(off) <= reach, lines, median)


def _smoothed(amplitudes: Array, *, xp: Namespace) -> Array:
    """Convolved along lines; the same as to smooth the noise itself, which is linear in the amplitudes."""
    lines = amplitudes.shape[0]
    kernel = gaussian_spectrum(lines, SMOOTHING_SIGMA, xp.real(amplitudes), xp=xp)
    real, imaginary = (
        xp.fft.irfft(xp.fft.rfft(part, axis=0) * kernel[:, None], n=lines, axis=0)
        for part in (xp.real(amplitudes), xp.imag(amplitudes))
    )
    return real + 1j * imaginary
