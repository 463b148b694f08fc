"""Sorted values with running sums: medians, deviations and sigma clipping of many values without another pass."""

from collections.abc import Callable
from dataclasses import dataclass

from array_api_compat import array_namespace, device

from gpipe.arrays.precision import accumulator_dtype
from gpipe.arrays.types import Array, Namespace

TURNS = 5


@dataclass(frozen=True)
class Ranked:
    """Values in ascending order, in blocks, and what their sums are before each block.

    Whatever is asked of them later costs the work of two blocks, not a pass over all values.

    Attributes
    ----------
    values : (…, block, rank in the block), those that are missing are last and very large.
    count : (…, 1), int64, how many are not missing.
    origin : (…, 1), their median; 0 where there is none. Sums are of differences from it, which keeps them exact.
    sums, squares : (…, block), of the differences in all blocks before, and of their squares.
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
    """Moments of the values in a span, each (…, 1); arbitrary but finite if the span is empty."""

    mean: Array
    median: Array
    deviation: Array


def rank_values(x: Array, valid: Array) -> Ranked:
    """Sort the valid values along the last axis.

    Parameters
    ----------
    x : real floating, (…, value).
    valid : bool, of the same shape. NaN and infinities always count as missing.
    """
    xp = array_namespace(x, valid)
    missing = ~(valid & xp.isfinite(x))
    count = x.shape[-1] - xp.count_nonzero(missing, axis=-1, keepdims=True)
    values = _in_blocks(xp.sort(xp.where(missing, xp.finfo(x.dtype).max, x), axis=-1, stable=False), xp=xp)
    origin = xp.astype(_middle(values, xp.zeros_like(count), count, xp=xp), x.dtype)
    origin = xp.where(count > 0, origin, 0.0)
    block, rank = (xp.arange(length, dtype=count.dtype, device=device(x)) for length in values.shape[-2:])
    known = rank < count[..., None] - block[:, None] * values.shape[-1]
    off = xp.where(known, values - origin[..., None], 0.0)
    return Ranked(values, count, origin, _before(off, xp=xp), _before(off * off, xp=xp))


def everything(ranked: Ranked) -> Span:
    """The span of all values that are not missing."""
    return Span(ranked.count - ranked.count, ranked.count)


def between(ranked: Ranked, lower: Array, upper: Array) -> Span:
    """The span of values from ``lower`` to ``upper``, both (…, 1) and included."""
    xp = array_namespace(ranked.values)
    lower, upper = (xp.astype(bound, ranked.values.dtype)[..., None] for bound in (lower, upper))
    begin = _rank(ranked, lambda values: values < lower, xp=xp)
    end = _rank(ranked, lambda values: values <= upper, xp=xp)
    return overlap(Span(begin, end), everything(ranked))


def overlap(one: Span, other: Span) -> Span:
    """Ranks that both spans hold."""
    xp = array_namespace(one.begin)
    begin = xp.maximum(one.begin, other.begin)
    return Span(begin, xp.maximum(begin, xp.minimum(one.end, other.end)))


def moments(ranked: Ranked, span: Span) -> Moments:
    """Mean, median and standard deviation (of the population) of the values in a span."""
    xp = array_namespace(ranked.values)
    mean, square = _means(ranked, span, xp=xp)
    variance = square - mean * mean
    origin = xp.astype(ranked.origin, mean.dtype)
    median = xp.where(span.end > span.begin, _middle(ranked.values, span.begin, span.end, xp=xp), origin)
    return Moments(mean + origin, median, xp.sqrt(xp.clip(variance, 0.0, None)))


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
    mean, square = _means(ranked, span, xp=xp)
    offset = xp.astype(centre, mean.dtype) - xp.astype(ranked.origin, mean.dtype)
    return xp.sqrt(xp.clip(square - 2.0 * offset * mean + offset * offset, 0.0, None))


def _unless_empty(span: Span, instead: Span) -> Span:
    xp = array_namespace(span.begin)
    filled = span.end > span.begin
    return Span(xp.where(filled, span.begin, instead.begin), xp.where(filled, span.end, instead.end))


def _in_blocks(x: Array, *, xp: Namespace) -> Array:
    """(…, block, value), about as many blocks as values in a block; the last block is padded with the last value."""
    length = 1 << (x.shape[-1].bit_length() // 2)
    missing = -x.shape[-1] % length
    if missing:
        last = xp.full((*x.shape[:-1], missing), xp.finfo(x.dtype).max, dtype=x.dtype, device=device(x))
        x = xp.concat([x, last], axis=-1)
    return xp.reshape(x, (*x.shape[:-1], -1, length))


def _flat(values: Array, *, xp: Namespace) -> Array:
    return xp.reshape(values, (*values.shape[:-2], -1))


def _before(off: Array, *, xp: Namespace) -> Array:
    """(…, block): sum of all blocks before."""
    totals = xp.sum(off, axis=-1, dtype=accumulator_dtype(off, xp=xp))
    return xp.cumulative_sum(totals, axis=-1, include_initial=True)[..., :-1]


def _block(values: Array, number: Array, *, xp: Namespace) -> Array:
    """(…, 1, value): the blocks of these numbers, (…, 1)."""
    index = xp.broadcast_to(number[..., None], (*number.shape, values.shape[-1]))
    return xp.take_along_axis(values, index, axis=-2)


def _rank(ranked: Ranked, is_below: Callable[[Array], Array], *, xp: Namespace) -> Array:
    """(…, 1): how many values are below a bound, found in the block where they end."""
    begun = xp.count_nonzero(is_below(ranked.values[..., :1])[..., 0], axis=-1, keepdims=True)
    number = xp.clip(begun - 1, 0, None)
    inside = xp.count_nonzero(is_below(_block(ranked.values, number, xp=xp))[..., 0, :], axis=-1, keepdims=True)
    return number * ranked.values.shape[-1] + inside


def _totals(ranked: Ranked, rank: Array, *, xp: Namespace) -> tuple[Array, Array]:
    """Sums of differences from the origin, and of their squares, of the values before a rank, all (…, 1)."""
    blocks, length = ranked.values.shape[-2:]
    number = xp.clip(rank // length, None, blocks - 1)
    first = xp.arange(length, dtype=rank.dtype, device=device(rank)) < rank - number * length
    block = _block(ranked.values, number, xp=xp)[..., 0, :]
    off = xp.where(first, block - ranked.origin, 0.0)
    before = (xp.take_along_axis(sums, number, axis=-1) for sums in (ranked.sums, ranked.squares))
    inside = (xp.sum(part, axis=-1, dtype=ranked.sums.dtype, keepdims=True) for part in (off, off * off))
    sums, squares = (a + b for a, b in zip(before, inside, strict=True))
    return sums, squares


def _means(ranked: Ranked, span: Span, *, xp: Namespace) -> tuple[Array, Array]:
    """Mean difference from the origin, and mean square, in a span."""
    number = xp.astype(xp.clip(span.end - span.begin, 1, None), ranked.sums.dtype)
    end, begin = (_totals(ranked, rank, xp=xp) for rank in (span.end, span.begin))
    return (end[0] - begin[0]) / number, (end[1] - begin[1]) / number


def _middle(values: Array, begin: Array, end: Array, *, xp: Namespace) -> Array:
    """Median of a span, in the precision of the values as NumPy has it, as an accumulator."""
    ranked = _flat(values, xp=xp)
    last = ranked.shape[-1] - 1
    low = xp.take_along_axis(ranked, xp.clip((begin + end - 1) // 2, 0, last), axis=-1)
    high = xp.take_along_axis(ranked, xp.clip((begin + end) // 2, 0, last), axis=-1)
    return xp.astype(0.5 * low + 0.5 * high, accumulator_dtype(values, xp=xp))
