"""Sigma-clipped means of many values in bins, for all bins at once."""

from dataclasses import dataclass

from array_api_compat import array_namespace

from gpipe.arrays import Array, Namespace, accumulator_dtype
from gpipe.emicorr.phase_bins import bin_edges

LIMIT = 3.0
"""Standard deviations from the median beyond which a value is clipped."""
TURNS = 5


@dataclass(frozen=True)
class _Ordered:
    """Values ordered by bin and then by size, and sums of all values, and of all squares, before each."""

    values: Array
    sums: Array
    squares: Array


def clipped_means(values: Array, bins: Array, count: int) -> Array:
    """Mean of the values in each bin that are no further than three standard deviations from the median.

    Bounds are found five times, each time from the values inside of all bounds before; the last ones hold. This is
    what ``astropy.stats.sigma_clipped_stats`` does by default.

    Parameters
    ----------
    values : real floating, (value,). NaN is in no bin.
    bins : integer, (value,), from 0; ``count`` for values that are in no bin.
    count : number of bins.

    Returns
    -------
    (bin,), of the accumulator's dtype; NaN where a bin is empty.
    """
    xp = array_namespace(values, bins)
    missing = xp.isnan(values)
    ordered, edges = _order(xp.where(missing, 0.0, values), xp.where(missing, count, bins), count, xp=xp)
    first, last = edges[:-1], edges[1:]
    begin, end = first, last
    inside = (first, last)
    for _ in range(TURNS):
        lower, upper = _bounds(ordered, begin, end, xp=xp)
        inside = (_rank(ordered, lower, first, last, below=True), _rank(ordered, upper, first, last, below=False))
        begin, end = xp.maximum(begin, inside[0]), xp.minimum(end, inside[1])
    mean, _ = _moments(ordered, *inside, xp=xp)
    return xp.where(last > first, mean, xp.nan)


def _order(values: Array, bins: Array, count: int, *, xp: Namespace) -> tuple[_Ordered, Array]:
    values, edges = _sort_in_bins(values, bins, count, xp=xp)
    wide = xp.astype(values, accumulator_dtype(values, xp=xp))
    squares = xp.cumulative_sum(wide * wide, include_initial=True)
    return _Ordered(values, xp.cumulative_sum(wide, include_initial=True), squares), edges


def _sort_in_bins(values: Array, bins: Array, count: int, *, xp: Namespace) -> tuple[Array, Array]:
    """Values ordered by bin and then by size, and where each bin begins."""
    by_size = xp.argsort(values, stable=False)
    by_bin = xp.take(bins, by_size)
    then = xp.argsort(by_bin, stable=True)
    return xp.take(xp.take(values, by_size), then), bin_edges(xp.take(by_bin, then), count)


def _bounds(ordered: _Ordered, begin: Array, end: Array, *, xp: Namespace) -> tuple[Array, Array]:
    """Three standard deviations below and above the median of the values from ``begin`` to before ``end``."""
    last = ordered.values.shape[0] - 1
    low = xp.take(ordered.values, xp.clip((begin + end - 1) // 2, 0, last))
    high = xp.take(ordered.values, xp.clip((begin + end) // 2, 0, last))
    mean, square = _moments(ordered, begin, end, xp=xp)
    median = 0.5 * (xp.astype(low, mean.dtype) + xp.astype(high, mean.dtype))
    reach = LIMIT * xp.sqrt(xp.clip(square - mean * mean, 0.0, None))
    return median - reach, median + reach


def _moments(ordered: _Ordered, begin: Array, end: Array, *, xp: Namespace) -> tuple[Array, Array]:
    """Mean and mean square; 0 where there are no values."""
    number = xp.astype(xp.clip(end - begin, 1, None), ordered.sums.dtype)
    sums, squares = (xp.take(x, end) - xp.take(x, begin) for x in (ordered.sums, ordered.squares))
    return sums / number, squares / number


def _rank(ordered: _Ordered, bound: Array, first: Array, last: Array, *, below: bool) -> Array:
    """Find the first value of a bin that is not below a bound, or is above it, by bisection."""
    xp = array_namespace(bound, first)
    final = ordered.values.shape[0] - 1
    for _ in range(final.bit_length() + 1):
        middle = (first + last) // 2
        value = xp.astype(xp.take(ordered.values, xp.clip(middle, None, final)), bound.dtype)
        later = (value < bound) if below else (value <= bound)
        later = later & (first < last)
        first, last = xp.where(later, middle + 1, first), xp.where(later, last, xp.minimum(middle, last))
    return first
