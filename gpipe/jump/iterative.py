"""Find jumps among few differences: remove the worst one, take the median again, and so on."""

from dataclasses import dataclass

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, Namespace
from gpipe.jump.differences import Ranked


@dataclass(frozen=True)
class Bounds:
    """Magnitudes at or above ``upper`` or at or below ``lower`` are jumps: float32, (row, column), electron."""

    lower: Array
    upper: Array

    def exceeded_by(self, differences: Array) -> Array:
        """Mark the differences that are jumps: bool, (…, row, column)."""
        xp = array_namespace(differences)
        magnitude = xp.abs(differences)
        return (magnitude >= self.upper) | (magnitude <= self.lower)


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Thresholds in sigma for a difference, by the number of differences left."""

    four_or_more: float
    three: float
    two: float


class _Window:
    """Ranked magnitudes that are left: consecutive ranks, the first one different for each pixel.

    The number of ranks is the same for all pixels, so only the first rank differs.
    """

    def __init__(self, ranked: Array, xp: Namespace) -> None:
        self._xp = xp
        self._shape = ranked.shape[1:]
        none = xp.full((2, *self._shape), xp.finfo(ranked.dtype).max, dtype=ranked.dtype, device=device(ranked))
        self._flat = xp.reshape(xp.concat([ranked, none]), (-1,))
        self._size = self._flat.shape[0] // (ranked.shape[0] + 2)
        self._begin = xp.arange(self._size, dtype=xp.int64, device=device(ranked))

    def __getitem__(self, rank: int) -> Array:
        values = self._xp.take(self._flat[rank * self._size :], self._begin, axis=0)
        return self._xp.reshape(values, self._shape)

    def drop_lowest(self, where: Array) -> None:
        step = self._xp.reshape(self._xp.astype(where, self._xp.int64), (-1,))
        self._begin = self._begin + self._size * step


def jump_bounds(magnitudes: Ranked, variance: Array, thresholds: Thresholds) -> Bounds:
    """Find the bounds of magnitudes beyond which differences of a pixel are jumps.

    The difference that is furthest from the centre of those left, in units of sigma = sqrt(centre + variance), is a
    jump if it deviates by more than the threshold. It is then removed, and the rest is tested again. The centre is the
    median without the largest value if four or more are left, the median of three, or the smaller of two. Equal values
    are removed together.

    The removed value is always the largest or the smallest of those left. So each turn leaves out one value for every
    pixel: its largest, unless the smallest has just been found to be a jump. A turn tests only pixels whose largest
    value is unique: of several equal values all but the last have been left out by then, as the centre requires. The
    number of turns is the number of differences, whatever the values.

    Parameters
    ----------
    magnitudes : absolute first differences, (value, row, column), electron.
    variance : float32, (row, column), electron^2: variance of a difference by read noise.
    thresholds : in sigma.
    """
    xp = array_namespace(magnitudes.values, variance)
    missing = xp.finfo(variance.dtype).max
    window = _Window(magnitudes.values, xp)
    lower, upper = xp.full_like(variance, -1.0), xp.full_like(variance, missing)
    searching = xp.ones_like(variance, dtype=xp.bool)
    for length in range(magnitudes.values.shape[0], 1, -1):
        lowest, largest = window[0], window[length - 1]
        single = (largest > window[length - 2]) & (largest < missing)
        judged = searching & single & (lowest > lower)
        centre, allowed = _centre(window, length, largest, thresholds, xp)
        sigma = xp.sqrt(centre + variance)
        above, below = largest - centre, centre - lowest
        jump = judged & (sigma > 0) & (xp.maximum(above, below) > allowed * sigma)
        searching = searching & (jump | ~judged)
        high, low = jump & (above >= below), jump & (below >= above)
        window.drop_lowest((lowest <= lower) | (low & ~high))
        upper, lower = xp.where(high, largest, upper), xp.where(low, lowest, lower)
    return Bounds(lower, upper)


def _centre(
    window: _Window, length: int, largest: Array, thresholds: Thresholds, xp: Namespace
) -> tuple[Array, Array | float]:
    """Centre of the values left, and its threshold; ``largest`` may be the value of several differences."""
    low, high = window[(length - 2) // 2], window[(length - 1) // 2]
    clipped = 0.5 * low + 0.5 * high
    if length > 3:
        return clipped, thresholds.four_or_more
    three = xp.full_like(largest, thresholds.three)
    another = window[length] == largest
    if length == 3:
        return xp.where(another, clipped, window[1]), xp.where(another, thresholds.four_or_more, three)
    third = another & (window[3] != largest)
    allowed = xp.where(third, three, xp.where(another, thresholds.four_or_more, xp.full_like(largest, thresholds.two)))
    return xp.where(third, largest, low), allowed
