"""Saturation of NIRSpec IRS2 readout, in which reference pixels are read between the normal ones."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from array_api_compat import array_namespace, device

from gpipe import dq
from gpipe.arrays import Array, Namespace
from gpipe.arrays.dilation import dilate_box
from gpipe.arrays.rows import row_slices, widen
from gpipe.saturation.averaged_groups import late_second_group
from gpipe.saturation.saturation import Flagged, count_by_row, flag_saturation, usable_threshold

BLOCK_SAMPLES = 1 << 22
"""Normal samples that are flagged together, so that temporaries stay small compared with an exposure."""


def flag_saturation_irs2(
    data: Array,
    groupdq: Array,
    pixeldq: Array,
    level: Array,
    level_dq: Array,
    *,
    places: Sequence[int],
    grow: int = 1,
    nframes: int | None = None,
    bias: Array | None = None,
    zeroframe: Array | None = None,
    flag: Callable[..., Flagged] = flag_saturation,
) -> Flagged:
    """Apply `flag_saturation` to normal pixels, which are neighbours across reference pixels; these get no flags.

    As in jwst, rules 3 and 4 differ for IRS2: rule 3 is left out, and rule 4 flags the second group SATURATED where the
    third one is saturated and ``late_second_group`` holds, and pixels within ``grow`` pixels of it. Flags of the input
    do not spread.

    Parameters
    ----------
    data, groupdq, pixeldq, bias, zeroframe : as there, with the rows of reference pixels.
    level, level_dq : as there, of normal pixels only.
    places : the rows that are normal pixels of the detector's outputs, in order.
    flag : `flag_saturation`, or a kernel of it.
    """
    xp = array_namespace(data, groupdq, pixeldq, level, level_dq, bias, zeroframe)
    flags, new_dq = (xp.astype(x, x.dtype, copy=True) for x in (groupdq, pixeldq))
    zeroed: Array = None if zeroframe is None else xp.astype(zeroframe, zeroframe.dtype, copy=True)
    for own in row_slices(level, pixels=BLOCK_SAMPLES // data.shape[1]):
        near, middle = widen(own, grow, len(places))
        taken, put = _Rows(places[near], like=level), _Rows(places[own], like=level)
        find = partial(
            _flag_block,
            level=level[near, :],
            level_dq=level_dq[near, :],
            bias=None if bias is None else taken.of(bias),
            nframes=nframes,
            grow=grow,
            flag=flag,
        )
        rows = put.span
        for i in range(data.shape[0]):  # see gpipe.arrays.integrations
            found = find(
                taken.of(data[i : i + 1, ...]),
                None if zeroframe is None else taken.of(zeroframe[i : i + 1, ...]),
                groupdq.dtype,
            )
            flags[i, :, rows, :] |= put.spread(found.groupdq[0, :, middle, :])
            if zeroframe is not None and found.zeroframe is not None:
                kept = put.spread(found.zeroframe[0, middle, :])
                zeroed[i, rows, :] = xp.where(put.normal[:, None], kept, zeroed[i, rows, :])
        new_dq[rows, :] |= put.spread(found.pixeldq[middle, :])
    seen = _seen(flags, xp=xp)
    return Flagged(
        groupdq=flags,
        pixeldq=new_dq,
        zeroframe=zeroed,
        saturated_pixels=count_by_row(seen & dq.SATURATED),
        floor_pixels=count_by_row(seen & dq.AD_FLOOR),
    )


class _Rows:
    """Rows of normal pixels among others, at these places."""

    def __init__(self, places: Sequence[int], *, like: Array) -> None:
        xp, first = array_namespace(like), places[0]
        self.span = slice(first, places[-1] + 1)
        number = {place: k for k, place in enumerate(places)}
        self._taken = xp.asarray([place - first for place in places], dtype=xp.int64, device=device(like))
        spread = [number.get(row, len(places)) for row in range(self.span.start, self.span.stop)]
        self._spread = xp.asarray(spread, dtype=xp.int64, device=device(like))
        self.normal = self._spread < len(places)

    def of(self, x: Array) -> Array:
        """Select these rows: (…, row, column)."""
        return array_namespace(x).take(x[..., self.span, :], self._taken, axis=-2)

    def spread(self, rows: Array) -> Array:
        """Such rows at their places, zeros between."""
        xp = array_namespace(rows)
        return xp.take(xp.concat([rows, xp.zeros_like(rows[..., :1, :])], axis=-2), self._spread, axis=-2)


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
