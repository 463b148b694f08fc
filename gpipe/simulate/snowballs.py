"""Snowballs: heavy ions that leave a round cloud of charge, full in the middle."""

import numpy as np

from gpipe.datamodels.exposures.window import Window
from gpipe.simulate.cosmic_rays import Hits
from gpipe.simulate.detectors import PIXEL_AREA

_MEDIAN_PEAK = 1e6
_SPREAD = 0.4
"""electron a pixel at the centre, and the width of the logarithm of the distribution."""
_SCALES = (1.0, 3.5)
"""pixel, the range of the length over which the charge falls by a factor e."""
_FAINTEST = 1.0
"""electron, where a cloud ends."""


def make_snowballs(area: Window, seconds: float, rate: float, rng: np.random.Generator) -> Hits:
    """Clouds of charge in a window in a time span, at ``rate`` events/cm^2/s; ``particles`` counts them.

    The charge falls exponentially from the centre. Like flight snowballs, clouds have a saturated core of a few
    pixels and a halo several times as wide (JWST Technical Report JWST-STScI-008545, Regan 2024).
    """
    clouds = [_cloud(area, rng) for _ in range(rng.poisson(rate * seconds * PIXEL_AREA * area.xsize * area.ysize))]
    return collect([Hits(*cloud, np.full(len(cloud[0]), n)) for n, cloud in enumerate(clouds)])


def _cloud(area: Window, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and electrons of one cloud, as far as it lies in the window."""
    row, column = rng.uniform(0, area.ysize), rng.uniform(0, area.xsize)
    peak, scale = rng.lognormal(np.log(_MEDIAN_PEAK), _SPREAD), rng.uniform(*_SCALES)
    reach = int(scale * np.log(peak / _FAINTEST)) + 1
    rows = np.arange(max(int(row) - reach, 0), min(int(row) + reach + 1, area.ysize))
    columns = np.arange(max(int(column) - reach, 0), min(int(column) + reach + 1, area.xsize))
    distance = np.hypot(rows[:, None] + 0.5 - row, columns[None, :] + 0.5 - column)
    electrons = peak * np.exp(-distance / scale)
    y, x = np.nonzero(electrons > _FAINTEST)
    return rows[y], columns[x], electrons[y, x].astype(np.float32)


def collect(hits: list[Hits]) -> Hits:
    """Hits of several kinds together; particles of later ones are counted on."""
    first = np.cumsum([0, *(h.particles.max(initial=-1) + 1 for h in hits)])
    numbered = [h.particles + n for h, n in zip(hits, first[:-1], strict=True)]
    empty = Hits(np.empty(0, int), np.empty(0, int), np.empty(0, np.float32), np.empty(0, int))
    together = [(h.rows, h.columns, h.electrons, n) for h, n in zip(hits, numbered, strict=True)]
    return Hits(*(np.concatenate(x) for x in zip(*together, strict=True))) if together else empty
