"""Running median along an axis."""

from gpipe.arrays.nan import nanmedian
from gpipe.arrays.types import Array, Namespace


def running_median(x: Array, *, length: int, xp: Namespace) -> Array:
    """Median of the values in a window that runs along the second last axis; the last axis is pooled.

    ``out[..., i]`` is the median of ``x[..., i - length//2 : i - length//2 + length, :]``. Beyond both ends ``x`` is
    reflected about its first and last row, which are not repeated. NaN are left out; a window of NaN gives NaN.

    Parameters
    ----------
    x : real floating, (..., row, column); its dtype is kept.
    length : rows in the window, at least 1; an even window reaches one row further down than up.
        Half of it must be less than the number of rows.
    """
    rows = x.shape[-2]
    before, after = length // 2, (length - 1) // 2
    if length < 1 or before >= rows:
        raise ValueError(f"a running median over {length} rows does not fit an array of {rows} rows")
    below = xp.flip(x[..., 1 : before + 1, :], axis=-2)
    above = xp.flip(x[..., rows - 1 - after : rows - 1, :], axis=-2)
    extended = xp.concat([below, x, above], axis=-2)
    window = xp.concat([extended[..., shift : shift + rows, :] for shift in range(length)], axis=-1)
    return nanmedian(window, axis=-1, xp=xp)
