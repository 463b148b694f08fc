"""Sorted values with running sums: medians, deviations and sigma clipping of many values without another pass."""

from dataclasses import dataclass

from array_api_compat import array_namespace, device

from gpipe.arrays.precision import accumulator_dtype
from gpipe.arrays.types import Array, Namespace

TURNS = 5


@dataclass(frozen=True)
class Ranked:
    """Values in ascending order, and what their sums are up to each rank.

    Attributes
    ----------
    values : (…, rank), those that are missing are last and very large.
    count : (…, 1), int64, how many are not missing.
    origin : (…, 1), their median; 0 where there is none. Sums are of differences from it, which keeps them exact.
    sums, squares : (…, rank + 1), of the first 0, 1, 2, … values and of their squares.
    """

    values: Array
    count: Array
    origin: Array
    sums: Array
    squares: Array


@dataclass(frozen=True)
class Span:
    """Ranks from ``begin`` to before ``end``, both (…, 1) and int64."""

    begin: Array
    end: Array


@dataclass(frozen=True)
class Moments:
    """Of the values in a span, each (…, 1); arbitrary but finite where the span is empty."""

    mean: Array
    median: Array
    deviation: Array


def rank_values(x: Array, valid: Array) -> Ranked:
    """Sort the valid values along the last axis.

    Parameters
    ----------
    x : real floating, (…, value).
    valid : bool, of the same shape. NaN and infinities count as missing whatever it says.
    """
    xp = array_namespace(x, valid)
    exact = accumulator_dtype(x, xp=xp)
    missing = ~(valid & xp.isfinite(x))
    values = xp.sort(xp.where(missing, xp.finfo(x.dtype).max, x), axis=-1, stable=False)
    count = x.shape[-1] - xp.count_nonzero(missing, axis=-1, keepdims=True)
    origin = xp.astype(_middle(values, xp.zeros_like(count), count, xp=xp), x.dtype)
    origin = xp.where(count > 0, origin, 0.0)
    present = xp.arange(x.shape[-1], dtype=count.dtype, device=device(x)) < count
    off = xp.where(present, values - origin, 0.0)
    return Ranked(values, count, origin, _running(off, exact, xp=xp), _running(off * off, exact, xp=xp))


def everything(ranked: Ranked) -> Span:
    """The span of all values that are not missing."""
    return Span(ranked.count - ranked.count, ranked.count)


def between(ranked: Ranked, lower: Array, upper: Array) -> Span:
    """The span of values from ``lower`` to ``upper``, both (…, 1) and included."""
    xp = array_namespace(ranked.values)
    lower, upper = (xp.astype(bound, ranked.values.dtype) for bound in (lower, upper))
    begin = xp.count_nonzero(ranked.values < lower, axis=-1, keepdims=True)
    end = xp.count_nonzero(ranked.values <= upper, axis=-1, keepdims=True)
    return overlap(Span(begin, end), everything(ranked))


def overlap(one: Span, other: Span) -> Span:
    """Ranks that both spans hold."""
    xp = array_namespace(one.begin)
    begin = xp.maximum(one.begin, other.begin)
    return Span(begin, xp.maximum(begin, xp.minimum(one.end, other.end)))


def moments(ranked: Ranked, span: Span) -> Moments:
    """Mean, median and standard deviation (of the population) of the values in a span."""
    xp = array_namespace(ranked.values)
    number = xp.astype(xp.clip(span.end - span.begin, 1, None), ranked.sums.dtype)
    mean = _total(ranked.sums, span, xp=xp) / number
    variance = _total(ranked.squares, span, xp=xp) / number - mean * mean
    median = _middle(ranked.values, span.begin, span.end, xp=xp)
    deviation = xp.sqrt(xp.clip(variance, 0.0, None))
    return Moments(mean + xp.astype(ranked.origin, mean.dtype), median, deviation)


def sigma_clip(ranked: Ranked, *, limit: float, within: Span | None = None) -> Span:
    """Values of ``within`` that are no further than ``limit`` standard deviations from the median.

    Bounds are found five times, each time from the values inside of all bounds before; the last ones hold. This is
    what ``astropy.stats.sigma_clip`` does by default.
    """
    span = whole = everything(ranked) if within is None else within
    inside = whole
    for _ in range(TURNS):
        found = moments(ranked, span)
        reach = limit * found.deviation
        inside = overlap(between(ranked, found.median - reach, found.median + reach), whole)
        span = _unless_empty(overlap(inside, span), span)
    return inside


def mirrored_clip(ranked: Ranked, centre: Array, *, limit: float, within: Span) -> Array:
    """Standard deviation of the values up to ``centre`` and of their mirror images above it, sigma clipped.

    ``centre`` and the result are (…, 1). It is the width of the lower half of a distribution whose upper half has a
    tail. Median and mean of the mirrored values are ``centre`` itself.
    """
    xp = array_namespace(ranked.values)
    lower_half = overlap(between(ranked, centre * 0 - xp.finfo(ranked.values.dtype).max, centre), within)
    span = inside = lower_half
    for _ in range(TURNS):
        reach = limit * deviation_from(ranked, centre, span)
        inside = overlap(between(ranked, centre - reach, centre), lower_half)
        span = _unless_empty(overlap(inside, span), span)
    return deviation_from(ranked, centre, inside)


def deviation_from(ranked: Ranked, centre: Array, span: Span) -> Array:
    """Root of the mean square difference of the values in a span from ``centre``, (…, 1)."""
    xp = array_namespace(ranked.values)
    number = xp.astype(xp.clip(span.end - span.begin, 1, None), ranked.sums.dtype)
    offset = xp.astype(centre, number.dtype) - xp.astype(ranked.origin, number.dtype)
    sums, squares = (_total(running, span, xp=xp) / number for running in (ranked.sums, ranked.squares))
    return xp.sqrt(xp.clip(squares - 2.0 * offset * sums + offset * offset, 0.0, None))


def _unless_empty(span: Span, instead: Span) -> Span:
    xp = array_namespace(span.begin)
    filled = span.end > span.begin
    return Span(xp.where(filled, span.begin, instead.begin), xp.where(filled, span.end, instead.end))


def _running(x: Array, exact: object, *, xp: Namespace) -> Array:
    return xp.cumulative_sum(x, axis=-1, dtype=exact, include_initial=True)


def _total(running: Array, span: Span, *, xp: Namespace) -> Array:
    return xp.take_along_axis(running, span.end, axis=-1) - xp.take_along_axis(running, span.begin, axis=-1)


def _middle(values: Array, begin: Array, end: Array, *, xp: Namespace) -> Array:
    """Median of a span, in the precision of the values as NumPy has it, as an accumulator."""
    last = values.shape[-1] - 1
    low = xp.take_along_axis(values, xp.clip((begin + end - 1) // 2, 0, last), axis=-1)
    high = xp.take_along_axis(values, xp.clip((begin + end) // 2, 0, last), axis=-1)
    return xp.astype(0.5 * low + 0.5 * high, accumulator_dtype(values, xp=xp))
