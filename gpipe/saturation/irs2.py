"""Saturation of NIRSpec IRS2 readout, in which reference pixels are read between the normal ones."""

from collections.abc import Callable
from functools import partial
from typing import Any

from array_api_compat import array_namespace

from gpipe import dq
from gpipe.arrays import Array, Namespace
from gpipe.arrays.dilation import dilate_box
from gpipe.arrays.interleaved import (
    BLOCK,
    HALF,
    normal_rows,
    with_normal_rows,
)
from gpipe.arrays.rows import row_slices, widen
from gpipe.saturation.averaged_groups import late_second_group
from gpipe.saturation.saturation import Flagged, count_by_row, flag_saturation, usable_threshold

NORMAL = 2 * HALF
BLOCK_SAMPLES = 1 << 22
"""Normal samples that are looked at together, so that temporaries stay small beside an exposure."""


def flag_saturation_irs2(
    data: Array,
    groupdq: Array,
    pixeldq: Array,
    level: Array,
    level_dq: Array,
    *,
    first: int,
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
    first : the row at which the detector's outputs begin; they have as many rows as ``level`` tells.
    flag : `flag_saturation`, or a kernel of it.
    """
    xp = array_namespace(data, groupdq, pixeldq, level, level_dq, bias, zeroframe)
    flags, new_dq = (xp.astype(x, x.dtype, copy=True) for x in (groupdq, pixeldq))
    zeroed: Array = None if zeroframe is None else xp.astype(zeroframe, zeroframe.dtype, copy=True)
    count = level.shape[0] // NORMAL
    for blocks in row_slices(xp.reshape(level, (count, -1)), pixels=BLOCK_SAMPLES // data.shape[1]) if count else ():
        around, middle = widen(blocks, -(-grow // NORMAL), count)
        rows, near = (_times(x, BLOCK, first) for x in (blocks, around))
        own, inside = _times(around, NORMAL), _times(middle, NORMAL)
        find = partial(
            _flag_block,
            level=level[own, :],
            level_dq=level_dq[own, :],
            bias=None if bias is None else normal_rows(bias[near, :]),
            nframes=nframes,
            grow=grow,
            flag=flag,
        )
        for i in range(data.shape[0]):
            counts = normal_rows(data[i : i + 1, :, near, :])
            zero = None if zeroframe is None else normal_rows(zeroframe[i : i + 1, near, :])
            found = find(counts, zero, groupdq.dtype)
            new = normal_rows(groupdq[i, :, rows, :]) | found.groupdq[0, :, inside, :]
            flags[i, :, rows, :] = with_normal_rows(groupdq[i, :, rows, :], new)
            if zeroframe is not None and found.zeroframe is not None:
                zeroed[i, rows, :] = with_normal_rows(zeroframe[i, rows, :], found.zeroframe[0, inside, :])
        new = normal_rows(pixeldq[rows, :]) | found.pixeldq[inside, :]
        new_dq[rows, :] = with_normal_rows(pixeldq[rows, :], new)
    seen = _seen(flags, xp=xp)
    return Flagged(
        groupdq=flags,
        pixeldq=new_dq,
        zeroframe=zeroed,
        saturated_pixels=count_by_row(seen & dq.SATURATED),
        floor_pixels=count_by_row(seen & dq.AD_FLOOR),
    )


def _flag_block(
    counts: Array,
    zeroframe: Array | None,
    dtype: Any,
    *,
    level: Array,
    level_dq: Array,
    bias: Array | None,
    nframes: int | None,
    grow: int,
    flag: Callable[..., Flagged],
) -> Flagged:
    """The flags that normal pixels of one integration get; ``pixeldq`` has those of the thresholds."""
    xp = array_namespace(counts)
    none = xp.zeros_like(counts, dtype=dtype)
    found = flag(counts, none, level_dq, level, level_dq, grow=grow, zeroframe=zeroframe)
    if nframes is not None and counts.shape[1] > 2:
        limit = usable_threshold(level, level_dq).level
        late = _late(counts[0, ...], limit, bias, nframes=nframes, grow=grow, xp=xp)
        found.groupdq[0, 1, ...] |= xp.astype(late, dtype) * dq.SATURATED
    return found


def _times(blocks: slice, rows: int, first: int = 0) -> slice:
    """The rows of these blocks of so many rows."""
    return slice(first + rows * blocks.start, first + rows * blocks.stop)


def _seen(flags: Array, *, xp: Namespace) -> Array:
    """The flags of any group: (row, column)."""
    seen = xp.zeros_like(flags[0, 0, ...])
    for i in range(flags.shape[0]):
        for group in range(flags.shape[1]):
            seen |= flags[i, group, ...]
    return seen


def _late(counts: Array, level: Array, bias: Array | None, *, nframes: int, grow: int, xp: Namespace) -> Array:
    """Rule 4 for one integration: bool, (row, column)."""
    late = late_second_group(counts[0, ...], counts[1, ...], level, bias, nframes=nframes)
    return dilate_box(late & (counts[2, ...] >= level), grow, xp=xp)
