"""Outliers among many equal measurements: cut at the median plus and minus some standard deviations, and repeat."""

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, Namespace, accumulator_dtype
from gpipe.jump.differences import PlaneLookup, Ranked, rank

TURNS = 5


def clipped(differences: Array, threshold: float) -> Array:
    """Which differences lie outside of median ± threshold * standard deviation of those left in the end.

    The bounds are computed five times, each time from the values inside of those before. Bounds that leave nothing
    stay. Sums run in float64 where the device has it.

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
    exact = accumulator_dtype(ranked.values, xp=xp)
    values = xp.astype(ranked.values, exact)
    position = xp.reshape(
        xp.arange(values.shape[0], dtype=xp.int64, device=device(values)), (-1,) + (1,) * (values.ndim - 1)
    )
    at = PlaneLookup(values)
    begin, end = xp.zeros_like(ranked.count), ranked.count
    lower = xp.full(end.shape, xp.nan, dtype=exact, device=device(values))
    upper = lower
    for _ in range(TURNS):
        left = end - begin
        number = xp.astype(xp.clip(left, 1, None), exact)
        inside = (position >= begin) & (position < end)
        mean = xp.sum(xp.where(inside, values, 0.0), axis=0) / number
        scatter = xp.sqrt(xp.sum(xp.where(inside, values - mean, 0.0) ** 2, axis=0) / number)
        last = values.shape[0] - 1
        low, high = at(xp.clip(begin + (left - 1) // 2, 0, last)), at(xp.clip(begin + left // 2, 0, last))
        middle = 0.5 * low + 0.5 * high
        lower = xp.where(left > 0, middle - threshold * scatter, lower)
        upper = xp.where(left > 0, middle + threshold * scatter, upper)
        begin = xp.maximum(begin, xp.count_nonzero(values < lower, axis=0))
        end = xp.minimum(end, xp.count_nonzero(values <= upper, axis=0))
    return lower, upper
