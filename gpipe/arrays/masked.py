"""Medians of the values that a mask allows."""

from gpipe.arrays.types import Array, Namespace


def median_where(x: Array, valid: Array, *, axis: int, xp: Namespace) -> Array:
    """Median along one axis of the values that are valid; 0 where there is none. The axis stays, with length 1.

    Parameters
    ----------
    x : real floating; finite where valid. Its dtype is kept.
    valid : bool, of the same shape.
    """
    count = xp.count_nonzero(valid, axis=axis, keepdims=True)
    ranked = xp.sort(xp.where(valid, x, xp.finfo(x.dtype).max), axis=axis, stable=False)
    low = xp.take_along_axis(ranked, xp.clip((count - 1) // 2, 0, None), axis=axis)
    high = xp.take_along_axis(ranked, xp.clip(count // 2, None, x.shape[axis] - 1), axis=axis)
    return xp.where(count > 0, 0.5 * low + 0.5 * high, 0.0)
