"""Combination of drizzled exposures: sums over exposures in a tile, and the mosaic's pixels from them.

The errors of pixels of one exposure add up as if they were fully correlated: the error of a grid pixel is the mean of
the errors, not the root of the mean variance. Errors of different exposures are independent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, Namespace, accumulator_dtype
from gpipe.resample.drizzle import Drizzled

BITS = 32
"""Exposures in a plane of the context."""
SMALLEST = 1e-300
"""Square of an error whose inverse is finite."""


@dataclass(frozen=True)
class Content:
    """Planes of an exposure that are drizzled, in this order.

    Attributes
    ----------
    means : planes of which the mosaic has the weighted mean: SCI, and ERR for single exposures.
    variances : planes with roots of variances.
    rnoise : the one of them that weights variances; None if the time of the exposure does.
    """

    means: int = 1
    variances: int = 3
    rnoise: int | None = 1


@dataclass(frozen=True)
class Totals:
    """Sums over exposures in a tile.

    Attributes
    ----------
    sums : float64, (row, column, sum): of each mean, of weights, then of each variance E^2 W^2, then W.
    context : int32, (plane, row, column), bit k % 32 of plane k // 32 for exposure k; None if nobody wants it.
    dq : uint32, (row, column); None if nobody wants it.
    """

    sums: Array
    context: Array | None
    dq: Array | None


@dataclass(frozen=True)
class Combined:
    """Pixels of the mosaic in a tile, float32; ``err`` is NaN where all variances are.

    Attributes
    ----------
    means : SCI, and ERR for single exposures.
    weight : WHT.
    variances : in the order in which they were drizzled.
    err : None without variances.
    """

    means: list[Array]
    weight: Array
    variances: list[Array]
    err: Array | None


def no_exposure(
    shape: tuple[int, int], content: Content, *, exposures: int, has_context: bool, has_dq: bool, like: Array
) -> Totals:
    """Totals of a tile to which no exposure was added yet; ``exposures`` will be."""
    xp, place = array_namespace(like), device(like)
    sums = content.means + 1 + 2 * content.variances
    planes = -(-exposures // BITS)
    return Totals(
        xp.zeros((*shape, sums), dtype=accumulator_dtype(like, xp=xp), device=place),
        xp.zeros((planes, *shape), dtype=xp.int32, device=place) if has_context else None,
        xp.zeros(shape, dtype=xp.uint32, device=place) if has_dq else None,
    )


def add_exposure(
    totals: Totals, drizzled: Drizzled, content: Content, *, number: int, time: float, workers: int = 1
) -> Totals:
    """Add what an exposure has in the tile.

    Parameters
    ----------
    drizzled : with the planes of ``content``. A variance that the exposure lacks is a plane of NaN.
    number : of the exposure, from 0.
    time : of the exposure, seconds; weights variances if ``content.rnoise`` is None.
    workers : threads for functions in C.

    Notes
    -----
    E is the weighted mean of the root of a variance, W is 1 / E^2 of read noise, or the time. E^2 W^2 and W are added
    where E is finite and W is above 0. W is not the weight of drizzle.
    """
    xp = array_namespace(totals.sums, drizzled.sums)
    of_exposure = drizzled.sums
    weight = of_exposure[..., -1]
    added = [of_exposure[..., k] for k in range(content.means)] + [weight]
    squares = [_square_mean(of_exposure[..., content.means + v], weight, xp=xp) for v in range(content.variances)]
    importance = _importance(squares, content, time, like=weight, xp=xp)
    counts = [xp.isfinite(square) & (importance > 0) for square in squares]
    known = [xp.where(c, square, 0.0) for c, square in zip(counts, squares, strict=True)]
    added += [(square * importance) * importance for square in known]
    added += [xp.where(c, importance, 0.0) for c in counts]
    context = None if totals.context is None else _marked(totals.context, weight > 0, number, xp=xp)
    dq = None if totals.dq is None else totals.dq | drizzled.dq
    return Totals(totals.sums + xp.stack(added, axis=-1), context, dq)


def _square_mean(light: Array, weight: Array, *, xp: Namespace) -> Array:
    """E^2; NaN where nothing has a weight."""
    mean = xp.where(weight != 0, light / xp.where(weight != 0, weight, 1.0), xp.nan)
    return mean * mean


def _importance(squares: Sequence[Array], content: Content, time: float, *, like: Array, xp: Namespace) -> Array:
    """W of each pixel."""
    if content.rnoise is None or not squares:
        return xp.full_like(like, time)
    square = squares[content.rnoise]
    is_known = xp.isfinite(square) & (square > SMALLEST)
    return xp.where(is_known, 1.0 / xp.where(is_known, square, 1.0), 0.0)


def _marked(context: Array, is_there: Array, number: int, *, xp: Namespace) -> Array:
    """Set the bit of an exposure."""
    bit = xp.asarray(bit_of(number), dtype=xp.int32, device=device(context))
    planes = [context[k, ...] for k in range(context.shape[0])]
    planes[number // BITS] = planes[number // BITS] | xp.where(is_there, bit, 0)
    return xp.stack(planes)


def bit_of(number: int) -> int:
    """Return the bit of an exposure in its plane of the context, as int32; bit 31 is negative."""
    bit = 1 << number % BITS
    return bit if bit < 1 << (BITS - 1) else -bit


def combine(totals: Totals, content: Content, *, ratio: float, fill: float) -> Combined:
    """Make the mosaic's pixels of sums.

    Parameters
    ----------
    ratio : scale of the grid over that of the exposures, by which errors are divided.
    fill : value of SCI where no pixel has a weight.
    """
    xp, sums = array_namespace(totals.sums), totals.sums
    weight = sums[..., content.means]
    lit = xp.where(weight != 0, weight, 1.0)
    means = [xp.where(weight != 0, sums[..., k] / lit, fill if k == 0 else xp.nan) for k in range(content.means)]
    means[1:] = [mean / ratio for mean in means[1:]]
    first, last = content.means + 1, content.means + 1 + content.variances
    variances = [_variance(sums[..., v], sums[..., v + last - first], ratio, xp=xp) for v in range(first, last)]
    err = _error(variances, xp=xp) if variances else None
    narrow = [xp.astype(x, xp.float32) for x in (*means, weight, *variances)]
    return Combined(
        narrow[: content.means],
        narrow[content.means],
        narrow[content.means + 1 :],
        None if err is None else xp.astype(err, xp.float32),
    )


def _variance(squares: Array, importance: Array, ratio: float, *, xp: Namespace) -> Array:
    positive = xp.where(importance > 0, importance, 1.0)
    return xp.where(importance > 0, squares / positive / positive / (ratio * ratio), xp.nan)


def _error(variances: Sequence[Array], *, xp: Namespace) -> Array:
    """Root of the sum of those variances that are known."""
    total, is_known = xp.zeros_like(variances[0]), xp.zeros_like(variances[0], dtype=xp.bool)
    for variance in variances:
        total = total + xp.where(xp.isnan(variance), 0.0, variance)
        is_known = is_known | ~xp.isnan(variance)
    return xp.where(is_known, xp.sqrt(total), xp.nan)
