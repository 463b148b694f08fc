"""Reductions that leave NaN out."""

from gpipe.arrays.types import Array, Namespace


def nanmedian(x: Array, *, axis: int, xp: Namespace) -> Array:
    """Median of the values that are not NaN along one axis; NaN where there is none.

    NaN are replaced by +inf before sorting because the standard leaves open where a sort puts them.

    Parameters
    ----------
    x : real floating array of any shape; its dtype is kept.
    axis : the axis that is reduced.
    """
    missing = xp.isnan(x)
    count = xp.count_nonzero(~missing, axis=axis, keepdims=True)
    ranked = xp.sort(xp.where(missing, xp.inf, x), axis=axis, stable=False)
    low = xp.take_along_axis(ranked, xp.maximum((count - 1) // 2, xp.zeros_like(count)), axis=axis)
    high = xp.take_along_axis(ranked, xp.minimum(count // 2, xp.full_like(count, x.shape[axis] - 1)), axis=axis)
    return xp.squeeze(xp.where(count > 0, 0.5 * low + 0.5 * high, xp.nan), axis=axis)
