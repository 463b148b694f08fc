"""Groups that the decay after a reset disturbs: ``gpipe.rscd.flagging.flag_decay``, row after row of an integration."""

from typing import Any

import numpy as np

from gpipe import dq
from gpipe.kernels.cpu.arguments import frozen
from gpipe.kernels.cpu.compiling import helper, kernel
from gpipe.kernels.cpu.tiles import clear
from gpipe.rscd.flagging import Bright, Flagged
from gpipe.rscd.group_skips import GroupSkips

SATURATED, DO_NOT_USE = dq.SATURATED, dq.DO_NOT_USE


def flag_decay(groupdq: Any, pixeldq: Any, skips: GroupSkips, *, starts_exposure: bool = True) -> Flagged:
    """See ``gpipe.rscd.flagging.flag_decay``."""
    firsts = 1 if starts_exposure else 0
    given, flagged = frozen(groupdq), np.empty(groupdq.shape, np.uint8)
    bright: list[Bright | None] = []
    for start, stop, skip in ((0, firsts, skips.first), (firsts, len(groupdq), skips.later)):
        if start == stop:
            bright.append(None)
            continue
        found = np.zeros((2, *pixeldq.shape), np.bool_)
        leave_out(given, start, stop, skip, flagged, found)
        bright.append(Bright(*np.count_nonzero(found, axis=-1)))
        pixeldq = np.where(found[0], pixeldq | dq.FLUX_ESTIMATED, pixeldq)
    return Flagged(flagged, pixeldq, *bright)


@kernel
def leave_out(groupdq, start, stop, skip, flagged, found):
    """``found`` gets the pixels with fewer groups left out, and with none."""
    groups, rows, columns = groupdq.shape[1:]
    left_out = np.empty(columns, np.int32)
    for i in range(start, stop):
        for y in range(rows):
            _count(groupdq[i], y, skip, left_out, found[:, y])
            for g in range(groups):
                if g < skip:
                    _flag(groupdq[i, g, y], g, left_out, flagged[i, g, y])
                else:
                    _copy(groupdq[i, g, y], flagged[i, g, y])


@helper
def _count(groupdq, y, skip, left_out, found):
    """How many groups are left out in each pixel of a row."""
    clear(left_out, left_out.size)
    for g in range(1, min(skip + 2, groupdq.shape[0])):
        _add_saturated(groupdq[g, y], left_out)
    first, lowered, none = groupdq[0, y], found[0], found[1]
    for c in range(left_out.size):
        late = min(left_out[c], skip)
        left_out[c] = skip if first[c] & SATURATED else skip - late
    for c in range(left_out.size):
        lowered[c] |= left_out[c] < skip
    for c in range(left_out.size):
        none[c] |= (left_out[c] < skip) & (left_out[c] == 0)


@helper
def _add_saturated(flags, count):
    for c in range(count.size):
        count[c] += np.int32(1) if flags[c] & SATURATED else np.int32(0)


@helper
def _flag(before, group, left_out, after):
    for c in range(after.size):
        after[c] = before[c] | (DO_NOT_USE if group < left_out[c] else 0)


@helper
def _copy(before, after):
    for c in range(after.size):
        after[c] = before[c]
