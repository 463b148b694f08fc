"""Saturation that hides in groups which average several frames."""

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, accumulator_dtype


def hidden_saturation(data: Array, level: Array, unchecked: Array, *, nframes: int) -> Array:
    """Mark groups with a mean as high as that of a ramp that saturates in the group's last frame.

    A straight ramp that reaches the threshold ``L`` in the last frame of group ``g`` (from 0) of ``n`` contiguous
    frames has the mean ``L (g n + (n + 1) / 2) / ((g + 1) n)`` in this group. The comparison is made in float64 if the
    device has it, because a threshold times this factor can be within a rounding error of a whole count.

    Parameters
    ----------
    data : float32, (group, row, column), DN, from the first group on.
    level : float32, (row, column), DN: saturation threshold.
    unchecked : bool, (row, column): pixels whose threshold is not diluted.
    nframes : frames averaged in a group.

    Returns
    -------
    bool, (group, row, column). NaN gives False.
    """
    xp = array_namespace(data, level, unchecked)
    exact = xp.astype(level, accumulator_dtype(level, xp=xp))
    factors = [(g * nframes + (nframes + 1) / 2) / ((g + 1) * nframes) for g in range(data.shape[0])]
    dilution = xp.asarray(factors, dtype=exact.dtype, device=device(data))[:, None, None]
    return data >= xp.where(unchecked, exact, exact * dilution)


def late_second_group(first: Array, second: Array, level: Array, bias: Array | None, *, nframes: int) -> Array:
    """Mark pixels with a saturated frame in the second group that the first group does not predict.

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
    signal = xp.astype(first if bias is None else first - bias, accumulator_dtype(first, xp=xp))
    announced = signal / ((nframes + 1) / 2) * (3 * nframes)
    if bias is not None:
        announced = announced + bias
    return (announced < level) & (second - first > (level - first) / nframes)
