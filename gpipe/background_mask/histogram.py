"""The peak of a distribution: a Gaussian fitted to its histogram."""

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, Namespace
from gpipe.arrays.ranked import Ranked, Span

BINS = 2000
REACH = 4.0
"""Standard deviations that the histogram reaches on both sides of the centre."""
TURNS = 60


def fit_peak(ranked: Ranked, span: Span, centre: Array, deviation: Array, *, mirrored: bool) -> tuple[Array, Array]:
    """Centre and standard deviation of a Gaussian fitted to the histogram of values; those given where the fit fails.

    Parameters
    ----------
    ranked : of one distribution.
    span : the values to use.
    centre, deviation : (1,), a first estimate; the histogram has 2000 bins in centre ± 4 deviations.
    mirrored : of the values up to ``centre`` and their mirror images, instead of all.

    Notes
    -----
    Least squares of a exp(-(x - m)^2 / 2 s^2) on the counts (Levenberg 1944, Marquardt 1963).
    """
    xp = array_namespace(ranked.values)
    exact, place = ranked.sums.dtype, device(ranked.values)
    offsets = REACH * (xp.arange(BINS + 1, dtype=exact, device=place) * (2.0 / BINS) - 1.0)
    counts = _counts(ranked, span, centre + deviation * offsets, xp=xp)
    if mirrored:
        lower = xp.where(offsets[1:] <= 0, counts, 0.0)
        counts = lower + xp.flip(lower)
    at = 0.5 * (offsets[1:] + offsets[:-1])
    highest = xp.max(counts)
    mode = xp.take(at, xp.argmax(counts, keepdims=True))[0]
    start = xp.stack([xp.ones_like(highest), mode, xp.ones_like(highest)])
    peak = _least_squares(at, counts / xp.clip(highest, 1.0, None), start, xp=xp)
    sane = xp.isfinite(peak[1] + peak[2]) & (peak[2] > 0) & (deviation > 0)
    return xp.where(sane, centre + deviation * peak[1], centre), xp.where(sane, deviation * peak[2], deviation)


def _counts(ranked: Ranked, span: Span, edges: Array, *, xp: Namespace) -> Array:
    """Count the values of the span in each bin."""
    ranks = xp.searchsorted(xp.reshape(ranked.values, (-1,)), xp.astype(edges, ranked.values.dtype))
    ranks = xp.clip(ranks, span.begin, span.end)
    return xp.astype(ranks[1:] - ranks[:-1], edges.dtype)


def _least_squares(x: Array, y: Array, start: Array, *, xp: Namespace) -> Array:
    """(3,): height, mean and width. A fixed number of turns; damping falls after a good step, rises after a bad one."""
    unit = xp.eye(3, dtype=x.dtype, device=device(x))
    limit = xp.asarray([0.0, -REACH, 1e-6], dtype=x.dtype, device=device(x))
    best, damping = start, xp.ones_like(start[0]) * 1e-3
    cost = _cost(x, y, best, xp=xp)
    for _ in range(TURNS):
        residual, slopes = _residual(x, y, best, xp=xp), _slopes(x, best, xp=xp)
        normal = slopes.T @ slopes
        step = xp.linalg.solve(normal + damping * normal * unit + 1e-30 * unit, (slopes.T @ residual)[:, None])
        trial = xp.maximum(best + step[:, 0], limit)
        trial_cost = _cost(x, y, trial, xp=xp)
        better = trial_cost < cost
        best, cost = xp.where(better, trial, best), xp.where(better, trial_cost, cost)
        damping = xp.clip(xp.where(better, damping * 0.1, damping * 10.0), 1e-9, 1e9)
    return best


def _shape(x: Array, p: Array, *, xp: Namespace) -> Array:
    return xp.exp(-0.5 * ((x - p[1]) / p[2]) ** 2)


def _residual(x: Array, y: Array, p: Array, *, xp: Namespace) -> Array:
    return y - p[0] * _shape(x, p, xp=xp)


def _cost(x: Array, y: Array, p: Array, *, xp: Namespace) -> Array:
    return xp.sum(_residual(x, y, p, xp=xp) ** 2)


def _slopes(x: Array, p: Array, *, xp: Namespace) -> Array:
    """(value, 3): derivatives with respect to height, mean and width."""
    shape, off = _shape(x, p, xp=xp), (x - p[1]) / p[2]
    return xp.stack([shape, p[0] * shape * off / p[2], p[0] * shape * off * off / p[2]], axis=-1)
