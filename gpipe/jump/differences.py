"""First differences of ramps in electrons, and their scatter by noise."""

from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace, device

from gpipe import dq
from gpipe.arrays import Array
from gpipe.arrays.ranking import sort_planes

UNUSABLE = dq.DO_NOT_USE | dq.SATURATED


@dataclass(frozen=True)
class Ranked:
    """Usable values of each pixel in ascending order.

    Attributes
    ----------
    values : float32, (rank, row, column); missing values are the largest finite number of the type, so that they rank
        last and stay finite in calculations.
    count : int64, (row, column): number of usable values.
    """

    values: Array
    count: Array


def first_differences(data: Array, groupdq: Array, gain: Array, *, unusable: int = UNUSABLE) -> Array:
    """Electrons that each group has gained over the one before it.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN.
    groupdq : uint8, (integration, group, row, column).
    gain : float32, (row, column), electron/DN. NaN makes every difference of the pixel NaN.
    unusable : flags of groups that are left out.

    Returns
    -------
    float32, (integration, group - 1, row, column), electron. NaN where one of the two groups has one of these flags or
    is not finite.
    """
    xp = array_namespace(data, groupdq, gain)
    usable = ((groupdq & unusable) == 0) & xp.isfinite(data)
    electrons = xp.where(usable, data, xp.nan) * gain
    return electrons[:, 1:, ...] - electrons[:, :-1, ...]


def rank(differences: Array) -> Ranked:
    """Sort the differences of each pixel: (value, row, column), NaN for missing ones."""
    xp = array_namespace(differences)
    missing = xp.isnan(differences)
    values = sort_planes(xp.where(missing, xp.finfo(differences.dtype).max, differences))
    return Ranked(values, differences.shape[0] - xp.count_nonzero(missing, axis=0))


def rank_magnitudes(ranked: Ranked) -> Ranked:
    """Sort the absolute values of differences that are ranked already."""
    xp = array_namespace(ranked.values)
    return Ranked(sort_planes(xp.abs(ranked.values)), ranked.count)


def median(ranked: Ranked) -> Array:
    """Median of the usable values of each pixel, float32, (row, column); NaN where there is none."""
    xp = array_namespace(ranked.values, ranked.count)
    begin = xp.zeros_like(ranked.count)
    middle = PlaneLookup(ranked.values).middle(begin, ranked.count, dtype=ranked.values.dtype)
    return xp.where(ranked.count > 0, middle, xp.nan)


class PlaneLookup:
    """Look up, for each pixel, the value of the plane that an index plane names; several times faster than
    ``take_along_axis``."""

    def __init__(self, planes: Array) -> None:
        self._xp = array_namespace(planes)
        self._shape = planes.shape[1:]
        self._planes = planes.shape[0]
        self._flat = self._xp.reshape(planes, (-1,))
        self._size = self._flat.shape[0] // self._planes
        self._pixel = self._xp.arange(self._size, dtype=self._xp.int64, device=device(planes))

    def __call__(self, index: Array) -> Array:
        where = self._xp.reshape(index, (-1,)) * self._size + self._pixel
        return self._xp.reshape(self._xp.take(self._flat, where, axis=0), self._shape)

    def middle(self, begin: Array, count: Array, *, dtype: Any) -> Array:
        """Median, as ``dtype``, of ``count`` ranked planes from ``begin`` on; without meaning if ``count`` is 0."""
        low = self(self._xp.clip(begin + (count - 1) // 2, 0, self._planes - 1))
        high = self(self._xp.clip(begin + count // 2, 0, self._planes - 1))
        return 0.5 * self._xp.astype(low, dtype) + 0.5 * self._xp.astype(high, dtype)


def read_variance(readnoise: Array, gain: Array, *, frames: int) -> Array:
    """Variance of a difference from reading alone, electron^2.

    Parameters
    ----------
    readnoise : float32, (row, column), DN, of the difference of two frames.
    gain : float32, (row, column), electron/DN.
    frames : frames averaged into a group.
    """
    return (readnoise * gain) ** 2 / frames


def noise(flux: Array, variance: Array) -> Array:
    """1-sigma scatter of a difference, electron: sqrt(|flux| + variance), Poisson and read noise.

    NaN where it is zero, which says that nothing is known about the pixel: no comparison with it is ever true.
    """
    xp = array_namespace(flux, variance)
    total = xp.abs(flux) + variance
    return xp.sqrt(xp.where(total > 0, total, xp.nan))
