"""The reference pixels of an array: its parts near the detector's edges, with unusable pixels as NaN."""

from array_api_compat import device

import gpipe.dq as dq
from gpipe.arrays import Array, Namespace
from gpipe.refpix.orientation import Orientation


def area(
    data: Array, pixeldq: Array, rows: tuple[int, int], columns: tuple[int, int], at: Orientation, *, xp: Namespace
) -> Array:
    """A rectangle of the detector, NaN where the array does not reach or a pixel is DO_NOT_USE.

    Parameters
    ----------
    data : (..., row, column) in the detector frame, beginning at ``at.first_row`` and ``at.first_column``.
    pixeldq : (row, column), likewise.
    rows, columns : first and past-the-last detector row and column of the rectangle.

    Returns
    -------
    (..., row, column) of the rectangle's shape.
    """
    row, rows_missing = _overlap(rows, at.first_row, data.shape[-2])
    column, columns_missing = _overlap(columns, at.first_column, data.shape[-1])
    usable = (pixeldq[row, column] & dq.DO_NOT_USE) == 0
    part = xp.where(usable, data[..., row, column], xp.nan)
    part = _pad(part, rows_missing, axis=-2, xp=xp)
    return _pad(part, columns_missing, axis=-1, xp=xp)


def _overlap(wanted: tuple[int, int], first: int, size: int) -> tuple[slice, tuple[int, int]]:
    """Find the indices of an axis in the wanted range, and the numbers of missing ones before and after."""
    start, stop = wanted[0] - first, wanted[1] - first
    begin = min(max(start, 0), size)
    end = min(max(stop, begin), size)
    before = min(max(begin - start, 0), stop - start)
    return slice(begin, end), (before, stop - start - before - (end - begin))


def _pad(x: Array, missing: tuple[int, int], *, axis: int, xp: Namespace) -> Array:
    def nothing(length: int) -> Array:
        shape = list(x.shape)
        shape[axis] = length
        return xp.full(tuple(shape), xp.nan, dtype=x.dtype, device=device(x))

    if missing == (0, 0):
        return x
    return xp.concat([nothing(missing[0]), x, nothing(missing[1])], axis=axis)
