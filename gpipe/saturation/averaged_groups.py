"""Saturation that hides in groups which average several frames."""

from array_api_compat import array_namespace

from gpipe.arrays import Array, Namespace, accumulator_dtype
from gpipe.arrays.rows import row_slices


def hidden_saturation(counts: Array, level: Array, unchecked: Array, *, group: int, nframes: int) -> Array:
    """Whether a group's mean is as high as that of a ramp which saturates in the group's last frame.

    A straight ramp that reaches the threshold ``L`` in the last frame of group ``g`` (from 0) of ``n`` contiguous
    frames has the mean ``L (g n + (n + 1) / 2) / ((g + 1) n)`` in this group. The comparison is made in float64 where
    there is one, because a threshold times this factor can be within a rounding error of a whole count.

    Parameters
    ----------
    counts : float32, (row, column), DN: one group.
    level : float32, (row, column), DN: saturation threshold.
    unchecked : bool, (row, column): pixels whose threshold is not diluted.
    group : number of the group, from 0.
    nframes : frames averaged in a group.

    Returns
    -------
    bool, (row, column). NaN counts give False.
    """
    xp = array_namespace(counts, level, unchecked)
    dilution = (group * nframes + (nframes + 1) / 2) / ((group + 1) * nframes)
    reached = xp.empty_like(unchecked)
    for rows in row_slices(counts):
        exact = xp.astype(level[rows, :], accumulator_dtype(level, xp=xp))
        reached[rows, :] = counts[rows, :] >= xp.where(unchecked[rows, :], exact, exact * dilution)
    return reached


def late_second_group(first: Array, second: Array, level: Array, bias: Array | None, *, nframes: int) -> Array:
    """Whether the second group holds a saturated frame that nothing announced.

    With ``b`` the bias and ``n`` frames in a group, the first group ``S1`` predicts that the third group's last frame
    stays below the threshold, ``(S1 - b) / ((n + 1) / 2) * 3 n + b < L``, but the second group has risen by more than
    one saturated frame of ``n`` explains, ``S2 - S1 > (L - S1) / n``. (It remains to check that the third group is
    saturated and the second is not.)

    Parameters
    ----------
    first, second : float32, (row, column), DN: the first two groups.
    level : float32, (row, column), DN: saturation threshold.
    bias : float32, (row, column), DN, or None for 0.

    Returns
    -------
    bool, (row, column). NaN anywhere gives False.
    """
    xp = array_namespace(first, second, level, bias)
    late = xp.empty_like(first, dtype=xp.bool)
    for rows in row_slices(first):
        one, two, limit = first[rows, :], second[rows, :], level[rows, :]
        announced = _third_group(one, None if bias is None else bias[rows, :], nframes=nframes, xp=xp)
        late[rows, :] = (announced < limit) & (two - one > (limit - one) / nframes)
    return late


def _third_group(first: Array, bias: Array | None, *, nframes: int, xp: Namespace) -> Array:
    precise = accumulator_dtype(first, xp=xp)
    signal = xp.astype(first if bias is None else first - bias, precise)
    grown = signal / ((nframes + 1) / 2) * (3 * nframes)
    return grown if bias is None else grown + bias
