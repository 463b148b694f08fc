"""Saturation of NIRSpec IRS2 readout, in which reference pixels are read between the normal ones."""

from collections.abc import Callable

from array_api_compat import array_namespace

from gpipe import dq
from gpipe.arrays import Array, Namespace
from gpipe.arrays.dilation import dilate_box
from gpipe.arrays.interleaved import science_rows, with_science_rows
from gpipe.saturation.averaged_groups import late_second_group
from gpipe.saturation.saturation import Flagged, count_by_row, flag_saturation, usable_threshold


def flag_saturation_irs2(
    data: Array,
    groupdq: Array,
    pixeldq: Array,
    level: Array,
    level_dq: Array,
    *,
    reference_first: bool,
    grow: int = 1,
    nframes: int | None = None,
    bias: Array | None = None,
    zeroframe: Array | None = None,
    flag: Callable[..., Flagged] = flag_saturation,
) -> Flagged:
    """`flag_saturation` of the normal pixels, which are neighbours across reference pixels; those get no flags.

    As in jwst, rules 3 and 4 differ for IRS2: rule 3 is left out, and rule 4 flags the second group SATURATED where the
    third one is saturated and ``late_second_group`` holds, and pixels within ``grow`` pixels of it. Flags of the input
    do not spread.

    Parameters
    ----------
    data, groupdq, pixeldq, bias, zeroframe : as there, with the rows of reference pixels.
    level, level_dq : as there, of normal pixels only.
    reference_first : whether the first rows are those of the reference output, or the last.
    flag : `flag_saturation`, or a kernel of it.
    """
    xp = array_namespace(data, groupdq, pixeldq, level, level_dq, bias, zeroframe)
    threshold = usable_threshold(level, level_dq)

    def normal(x: Array) -> Array:
        return science_rows(x, reference_first=reference_first)

    def put(x: Array, rows: Array) -> Array:
        return with_science_rows(x, rows, reference_first=reference_first)

    own_bias = None if bias is None else normal(bias)
    zeroed: Array = None if zeroframe is None else xp.empty_like(zeroframe)
    flags, seen = xp.empty_like(groupdq), xp.zeros_like(groupdq[0, 0, ...])
    for i in range(data.shape[0]):
        counts = normal(data[i : i + 1, ...])
        first = None if zeroframe is None else normal(zeroframe[i : i + 1, ...])
        none = xp.zeros_like(counts, dtype=groupdq.dtype)
        found = flag(counts, none, level_dq, level, level_dq, grow=grow, zeroframe=first)
        new = found.groupdq
        if nframes is not None and data.shape[1] > 2:
            late = _late(counts[0, ...], threshold.level, own_bias, nframes=nframes, grow=grow, xp=xp)
            new[0, 1, ...] |= xp.astype(late, new.dtype) * dq.SATURATED
        for group in range(data.shape[1]):
            before = groupdq[i, group, ...]
            flags[i, group, ...] = put(before, normal(before) | new[0, group, ...])
            seen |= flags[i, group, ...]
        if zeroframe is not None and found.zeroframe is not None:
            zeroed[i, ...] = put(zeroframe[i, ...], found.zeroframe[0, ...])
    return Flagged(
        groupdq=flags,
        pixeldq=put(pixeldq, normal(pixeldq) | threshold.dq),
        zeroframe=zeroed,
        saturated_pixels=count_by_row(seen & dq.SATURATED),
        floor_pixels=count_by_row(seen & dq.AD_FLOOR),
    )


def _late(counts: Array, level: Array, bias: Array | None, *, nframes: int, grow: int, xp: Namespace) -> Array:
    """Rule 4 for one integration: bool, (row, column)."""
    late = late_second_group(counts[0, ...], counts[1, ...], level, bias, nframes=nframes)
    return dilate_box(late & (counts[2, ...] >= level), grow, xp=xp)
