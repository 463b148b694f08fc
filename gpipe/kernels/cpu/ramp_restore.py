"""Ramp fits: ``restore_lost_groups`` of a tile."""

from gpipe import dq
from gpipe.kernels.cpu.compiling import helper, inlined
from gpipe.kernels.cpu.ramp_groups import find_segments, lone_time
from gpipe.kernels.cpu.ramp_rates import LARGE
from gpipe.kernels.cpu.ramp_tiles import DO_NOT_USE, ONE, SIX, ZERO
from gpipe.kernels.cpu.tiles import clear

CHARGELOSS, NO_GAIN_VALUE = dq.CHARGELOSS, dq.NO_GAIN_VALUE
WITHDRAWN = CHARGELOSS | DO_NOT_USE


@helper
def any_lost(seen, n):
    found = 0
    for c in range(n):
        found |= seen[c]
    return (found & CHARGELOSS) != 0


@inlined
def restore_all(groupdq, at, r, start, n, tile, kept, pixels, settings, flags, variances, var_rnoise):
    """``restore_lost_groups``."""
    count, information = flags.shape[0], pixels.information
    clear(information, n)
    for i in range(count):
        _restore(groupdq, at, i, r, start, n, tile, kept, pixels, settings, flags[i], variances[i], information)
    for c in range(n):
        if kept.seen[count, c] & CHARGELOSS and information[c] > ZERO:
            var_rnoise[c] = ONE / information[c]


@inlined
def _restore(groupdq, at, i, r, start, n, tile, kept, pixels, settings, flags, variance, information):
    """``restore_lost_groups`` of one integration: as if the groups that were withdrawn had been fitted."""
    for k in range(settings.groups):
        outside = 0 if settings.first <= k <= settings.last else DO_NOT_USE
        given = groupdq[at[0] + i, at[1] + k, at[2] + r, start : start + n]
        flag = tile.flags[k]
        for c in range(n):
            flag[c] = (given[c] | outside) ^ (WITHDRAWN if given[c] & CHARGELOSS else 0)
    find_segments(tile.flags, tile.place, tile.length, n)
    time, reading, seen = tile.other, tile.number, kept.seen[i]
    lone_time(tile.flags, tile.length, kept.kind[i], settings.ratios, tile.waiting, time, n)
    for c in range(n):
        reading[c] = SIX * time[c] * time[c]
    for k in range(settings.groups - 1):
        size = tile.length[k]
        for c in range(n):
            reading[c] += size[c] * (size[c] + ONE)
    for c in range(n):
        value = pixels.unit_reading[c] / (reading[c] if reading[c] > ZERO else ONE)
        known = reading[c] > ZERO and not value >= LARGE and (flags[c] & NO_GAIN_VALUE) == 0
        if seen[c] & CHARGELOSS:
            variance[c] = value if known else ZERO
        if variance[c] > ZERO:
            information[c] += ONE / variance[c]
