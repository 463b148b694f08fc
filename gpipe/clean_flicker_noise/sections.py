"""Noise of NIRSpec subarrays as Fourier modes in time, fitted to overlapping sections of lines (NSClean)."""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, Namespace, accumulator_dtype
from gpipe.arrays.dilation import dilate_cross
from gpipe.arrays.masked import median_where
from gpipe.clean_flicker_noise.detector_frame import to_detector, to_science
from gpipe.clean_flicker_noise.fourier_fit import fit_modes, gaussian_spectrum

LINE_OVERHEAD = 12
"""Pixel times between two lines."""
PIXEL_TIME = 9.999999747378752e-06
"""Seconds; 10 microseconds as jwst has them."""
PIXELS = 512
"""Background pixels in a section."""
LEAST_SHARE = 0.05
"""Least share of background pixels in a section; a section with fewer is not fitted."""
OUTLIER = 4.0
MAD_TO_SIGMA = 1.4825

ReadCounts = Callable[[Array], Iterable[int]]
"""Brings a short vector of whole numbers to the host."""


@dataclass(frozen=True)
class Cutoffs:
    """Frequencies that are noise, in Hz.

    All up to ``low``, rolling off to ``low_end``; and all from ``high_end``, rolling on from ``high``, which is noise
    that alternates from pixel to pixel.
    """

    low: float = 1061.0
    low_end: float = 1211.0
    high: float = 49943.0
    high_end: float = 49957.0

    def gain(self, frequency: float) -> float:
        if frequency < self.low or frequency >= self.high_end:
            return 1.0
        if frequency < self.low_end:
            return 0.5 * (1 + math.cos(math.pi * (frequency - self.low) / (self.low_end - self.low)))
        if frequency < self.high:
            return 0.0
        return 0.5 * (1 - math.cos(math.pi * (frequency - self.high) / (self.high_end - self.high)))


CUTOFFS = {"ALLSLITS": Cutoffs(low=150.0, low_end=200.0)}
"""Cutoffs by subarray; all others have the default."""


@dataclass(frozen=True)
class Section:
    """Lines from ``start`` on, ``lines`` of them."""

    start: int
    lines: int


def fit_sections(image: Array, mask: Array, *, detector: str, cutoffs: Cutoffs, read_counts: ReadCounts) -> Array:
    """Noise of a subarray: sections of lines are fitted in the order of time, and overlapping ones averaged.

    Parameters
    ----------
    image : float32, (row, column), science frame, background subtracted, finite.
    mask : bool, (row, column), the pixels that are background. Outliers of 4 sigma and their neighbours are left out.
    detector : ``"NRS1"`` or ``"NRS2"``, which says how lines run.
    read_counts : how many background pixels each line has decides where sections begin; this brings it to the host.

    Returns
    -------
    float32, (row, column); 0 where too little background is left.

    Notes
    -----
    Rauscher 2024, PASP 136, 015001, https://doi.org/10.1088/1538-3873/ad1b36.
    """
    xp = array_namespace(image, mask)
    lines = to_detector(image, detector)
    allowed = _without_outliers(lines, to_detector(mask, detector), xp=xp)
    counts = [int(count) for count in read_counts(xp.count_nonzero(allowed, axis=1))]
    noise, weight = (xp.zeros(lines.shape, dtype=image.dtype, device=device(image)) for _ in range(2))
    sections = plan_sections(counts)
    for length in sorted({section.lines for section in sections}):
        alike = [section for section in sections if section.lines == length]
        parts = [slice(section.start, section.start + length) for section in alike]
        centred = _centred(length, image, xp=xp)
        fits = fit_section(*(xp.stack([x[part, :] for part in parts]) for x in (lines, allowed)), cutoffs=cutoffs)
        for number, part in enumerate(parts):
            if sum(counts[part]) > LEAST_SHARE * length * lines.shape[1]:
                noise[part, :] += centred * fits[number, ...]
            weight[part, :] += centred
    return to_science(noise / xp.where(weight > 0, weight, 1.0), detector)


def plan_sections(counts: Sequence[int]) -> list[Section]:
    """Divide lines into sections of about 512 background pixels each, by the number of such pixels in every line.

    Each section begins half a section after the one before. The last section takes the rest, if the rest has less than
    half as many pixels.
    """
    up_to = [0, *accumulate(counts)]
    used = [line for line, count in enumerate(counts) if count > 0]
    sections: list[Section] = []
    start, end = (used[0], used[-1] + 1) if used else (0, 0)
    while start < end:
        stop = end
        if up_to[-1] - up_to[start] > 1.5 * PIXELS:
            stop = min(max(bisect_right(up_to, up_to[start] + PIXELS), start + 1), end)
        sections.append(Section(start, stop - start))
        if stop == end:
            break
        start += max(round((stop - start) / 2), 1)
    return sections


def fit_section(lines: Array, mask: Array, *, cutoffs: Cutoffs) -> Array:
    """Noise of sections that have the same number of lines.

    Parameters
    ----------
    lines : float32, (…, line, pixel), in the order of reading.
    mask : bool, (…, line, pixel), the pixels that are background. They weigh the inverse of their density in time.

    Returns
    -------
    float32, (…, line, pixel).
    """
    xp = array_namespace(lines, mask)
    exact = accumulator_dtype(lines, xp=xp)
    ticks = lines.shape[-2] * (lines.shape[-1] + LINE_OVERHEAD)
    modes, gains = _modes(ticks, cutoffs)
    samples, background = (_in_time(x, exact, xp=xp) for x in (xp.where(mask, lines, 0.0), mask))
    sigma = 1 / ((cutoffs.low + cutoffs.low_end) / 2) / PIXEL_TIME / 8
    spectrum = gaussian_spectrum(ticks, sigma, samples, xp=xp)
    density = xp.fft.irfft(xp.fft.rfft(background) * spectrum, n=ticks)
    weight = xp.where(background > 0, 1.0 / xp.clip(density, 1e-12, None), 0.0)
    amplitudes = fit_modes(samples, weight * weight, modes) * xp.asarray(gains, dtype=exact, device=device(lines))
    in_time = xp.fft.irfft(_placed(amplitudes, modes, ticks, xp=xp), n=ticks)
    return xp.astype(xp.reshape(in_time, (*lines.shape[:-1], -1))[..., : lines.shape[-1]], lines.dtype)


@lru_cache
def _modes(ticks: int, cutoffs: Cutoffs) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """The modes that are noise, and how much of each."""
    gains = {k: cutoffs.gain(k / (ticks * PIXEL_TIME)) for k in range(ticks // 2 + 1)}
    kept = {k: gain for k, gain in gains.items() if gain > 0}
    return tuple(kept), tuple(kept.values())


def _in_time(x: Array, exact: object, *, xp: Namespace) -> Array:
    """Lines one after the other, with nothing during the overhead between them."""
    between = xp.zeros((*x.shape[:-1], LINE_OVERHEAD), dtype=exact, device=device(x))
    return xp.reshape(xp.concat([xp.astype(x, exact), between], axis=-1), (*x.shape[:-2], -1))


def _placed(amplitudes: Array, modes: Sequence[int], ticks: int, *, xp: Namespace) -> Array:
    """A whole spectrum; the modes are a run from 0 and a run up to the end."""
    low = next((i for i, k in enumerate(modes) if k != i), len(modes))
    shape = (*amplitudes.shape[:-1], ticks // 2 + 1 - len(modes))
    gap = xp.zeros(shape, dtype=amplitudes.dtype, device=device(amplitudes))
    return xp.concat([amplitudes[..., :low], gap, amplitudes[..., low:]], axis=-1)


def _centred(lines: int, like: Array, *, xp: Namespace) -> Array:
    """(line, 1): weights of the lines of a section, most in its middle, never 0."""
    position = xp.arange(lines, dtype=like.dtype, device=device(like)) * (2 / max(lines - 1, 1)) - 1.0
    return (1.001 - xp.abs(position))[:, None]


def _without_outliers(lines: Array, mask: Array, *, xp: Namespace) -> Array:
    values, valid = xp.reshape(lines, (-1,)), xp.reshape(mask, (-1,))
    off = xp.abs(values - median_where(values, valid, axis=0, xp=xp))
    limit = OUTLIER * MAD_TO_SIGMA * median_where(off, valid, axis=0, xp=xp)
    outlier = xp.reshape(valid & (off > limit), mask.shape)
    return mask & ~dilate_cross(outlier, xp=xp)
