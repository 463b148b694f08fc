"""Cosmic-ray showers of MIRI's detectors: faint extended clouds of charge, with a glow that fades over seconds."""

import numpy as np

from gpipe.simulate.config import ExposureConfig

_MEDIAN_PEAK, _SPREAD = 90.0, 0.5
"""electron a pixel at the centre, and the width of the logarithm of the distribution."""
_SHORTEST, _LONGEST = 7.0, 22.0
"""pixel, the range of the standard deviations of an elliptical cloud."""
_REACH = 4.0
"""Standard deviations at which a cloud ends."""
_AT_ONCE, _GLOW = 0.7, 12.0
"""Share of the charge that comes at once, and seconds over which the rest fades by a factor e."""

SHOWER = np.dtype(
    [
        ("integration", "i4"),
        ("group", "i4"),
        ("row", "f4"),
        ("column", "f4"),
        ("electrons", "f4"),
        ("long", "f4"),
        ("short", "f4"),
        ("angle", "f4"),
    ]
)


class Showers:
    """The showers of an exposure.

    A cloud is an elliptical Gaussian. Flight showers are as large and as faint, and more ragged (Regan 2024, JWST
    Technical Report JWST-STScI-008545).

    Attributes
    ----------
    seen : one record a shower: the group that it falls in, its centre, the electrons of the pixel there, the standard
        deviations (pixel) along both axes and the angle from columns to the longer one.
    """

    def __init__(self, config: ExposureConfig, rng: np.random.Generator):
        area = config.window
        self._rate = config.noise.showers * config.sca.pixel_area
        self._shape, self._rng = (area.ysize, area.xsize), rng
        self._pending = np.zeros(self._shape, dtype=np.float32)
        self.seen = np.empty(0, dtype=SHOWER)

    def advance(self, seconds: float, integration: int, group: int) -> np.ndarray:
        """The charge that arrives in a time span, electron, float32 (row, column)."""
        charge: np.ndarray = np.float32(-np.expm1(-seconds / _GLOW)) * self._pending
        self._pending -= charge
        for _ in range(self._rng.poisson(self._rate * seconds * self._shape[0] * self._shape[1])):
            shower = self._draw(integration, group)
            cloud = draw_cloud(shower, self._shape)
            charge = charge + np.float32(_AT_ONCE) * cloud
            self._pending += np.float32(1 - _AT_ONCE) * cloud
            self.seen = np.append(self.seen, shower)
        return charge

    def _draw(self, integration: int, group: int) -> np.ndarray:
        short, long = np.sort(self._rng.uniform(_SHORTEST, _LONGEST, 2))
        row, column = self._rng.uniform(0, self._shape)
        peak = self._rng.lognormal(np.log(_MEDIAN_PEAK), _SPREAD)
        angle = self._rng.uniform(0, np.pi)
        return np.array((integration, group, row, column, peak, long, short, angle), dtype=SHOWER)


def draw_cloud(shower: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Electrons of a shower, float32 (row, column)."""
    y = np.arange(shape[0], dtype=np.float32)[:, np.newaxis] + np.float32(0.5) - shower["row"]
    x = np.arange(shape[1], dtype=np.float32) + np.float32(0.5) - shower["column"]
    cosine, sine = np.cos(shower["angle"]), np.sin(shower["angle"])
    distance = ((x * cosine + y * sine) / shower["long"]) ** 2 + ((y * cosine - x * sine) / shower["short"]) ** 2
    return np.where(distance < _REACH**2, shower["electrons"] * np.exp(-distance / 2), np.float32(0))
