"""Cosmic rays: charged particles that leave a short track of charge."""

from dataclasses import dataclass

import numpy as np

from gpipe.datamodels.exposures.window import Window
from gpipe.simulate.detectors import PIXEL_AREA

_MEDIAN_CHARGE = 900.0
_SPREAD = 0.9
"""electron a pixel of track, and the width of the logarithm of the distribution."""
_MEAN_LENGTH = 1.2
"""pixel, of the exponential distribution of projected track lengths."""
_SAMPLES = 4
"""Points a pixel at which a track is sampled."""

HIT = np.dtype(
    [("integration", "i4"), ("group", "i4"), ("row", "i4"), ("column", "i4"), ("electrons", "f4"), ("particle", "i4")]
)


@dataclass(frozen=True)
class Hits:
    """Charge left in a time span: one entry a pixel and particle."""

    rows: np.ndarray
    columns: np.ndarray
    electrons: np.ndarray
    particles: np.ndarray


def make_hits(
    area: Window, seconds: float, rate: float, rng: np.random.Generator, pixel_area: float = PIXEL_AREA
) -> Hits:
    """Hits of a window in a time span, at ``rate`` particles/cm^2/s on pixels of ``pixel_area`` cm^2.

    Particles arrive as a Poisson process. The charge a pixel of path is log-normal, the projected path length
    exponential, its direction uniform, so that a particle touches one to a few pixels in a row.
    """
    expected = rate * seconds * pixel_area * area.xsize * area.ysize
    count = rng.poisson(expected)
    length = rng.exponential(_MEAN_LENGTH, count)
    angle = rng.uniform(0, 2 * np.pi, count)
    y, x = rng.uniform(0, area.ysize, count), rng.uniform(0, area.xsize, count)
    charge = rng.lognormal(np.log(_MEDIAN_CHARGE), _SPREAD, count) * (0.5 + length)
    samples = np.ceil(length * _SAMPLES).astype(int) + 1
    particle = np.repeat(np.arange(count), samples)
    step = (np.arange(samples.sum()) - np.repeat(np.cumsum(samples) - samples, samples)) / _SAMPLES
    rows = np.floor(y[particle] + step * np.sin(angle)[particle]).astype(int)
    columns = np.floor(x[particle] + step * np.cos(angle)[particle]).astype(int)
    return _collect(area, rows, columns, (charge / samples)[particle], particle)


def _collect(area: Window, rows, columns, electrons, particles) -> Hits:
    """Add up the samples of a particle in a pixel, leaving out what fell outside the window."""
    inside = (rows >= 0) & (rows < area.ysize) & (columns >= 0) & (columns < area.xsize)
    keys = (particles * area.ysize + rows) * area.xsize + columns
    unique, index = np.unique(keys[inside], return_inverse=True)
    total = np.bincount(index, weights=electrons[inside], minlength=len(unique)).astype(np.float32)
    pixel = unique % (area.ysize * area.xsize)
    return Hits(pixel // area.xsize, pixel % area.xsize, total, unique // (area.ysize * area.xsize))
