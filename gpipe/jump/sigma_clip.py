"""Outliers among many equal measurements: cut at the median plus and minus some standard deviations, and repeat."""

from typing import Any

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, Namespace, accumulator_dtype
from gpipe.jump.differences import PlaneLookup, Ranked, rank

TURNS = 5


def clipped(differences: Array, threshold: float) -> Array:
    """Mark differences outside of median ± threshold * standard deviation of those left after clipping.

    The bounds are computed five times, each time from the values inside the bounds before. Bounds that leave no value
    stay as they are. Sums run in float64 where the device has it.

    Parameters
    ----------
    differences : float32, (value, …), NaN for missing ones.
    threshold : in standard deviations.

    Returns
    -------
    bool of the same shape; False for missing values.

    Notes
    -----
    The defaults of https://docs.astropy.org/en/stable/api/astropy.stats.sigma_clip.html.
    """
    xp = array_namespace(differences)
    lower, upper = _bounds(rank(differences), threshold, xp)
    return (differences < lower) | (differences > upper)


def _bounds(ranked: Ranked, threshold: float, xp: Namespace) -> tuple[Array, Array]:
    values, exact = ranked.values, accumulator_dtype(ranked.values, xp=xp)
    at = PlaneLookup(values)
    inside = values < xp.finfo(values.dtype).max
    begin, left = xp.zeros_like(ranked.count), ranked.count
    lower = xp.full(left.shape, xp.nan, dtype=exact, device=device(values))
    upper = lower
    for _ in range(TURNS):
        middle = at.middle(begin, left, dtype=exact)
        reach = threshold * _scatter(values, inside, left, exact, xp)
        lower, upper = xp.where(left > 0, middle - reach, lower), xp.where(left > 0, middle + reach, upper)
        below = values < lower
        inside = inside & (values <= upper) & ~below
        begin, left = xp.maximum(begin, xp.count_nonzero(below, axis=0)), xp.count_nonzero(inside, axis=0)
    return lower, upper


def _scatter(values: Array, inside: Array, count: Array, exact: Any, xp: Namespace) -> Array:
    """Standard deviation of the values inside; 0 where there is none."""
    weight = xp.astype(inside, values.dtype)
    number = xp.astype(xp.clip(count, 1, None), exact)
    mean = xp.sum(values * weight, axis=0, dtype=exact) / number
    off = (values - mean) * weight
    return xp.sqrt(xp.sum(off * off, axis=0) / number)
