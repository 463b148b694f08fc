"""Ramp fits: ``median_rate`` and ``sum_segments`` of a tile."""

import numpy as np

from gpipe.kernels.cpu.compiling import helper
from gpipe.kernels.cpu.ramp_tiles import (
    FROM_ZEROFRAME,
    JUMP_DET,
    LEVELS,
    ONE,
    SATURATED,
    SIX,
    ZERO,
)
from gpipe.kernels.cpu.tiles import HALF, LARGEST, NAN, F, clear
from gpipe.ramp_fitting.groups import UNUSABLE
from gpipe.ramp_fitting.segments import GOOD_BITS

HIGHEST = F(LEVELS)


@helper
def rank_steps(steps, flags, ranked, usable, some, fill, n):
    """``masked_median``: the steps between usable groups, with the others as very large and small ones in turn."""
    clear(some, n)
    for c in range(n):
        fill[c] = LARGEST
    for k in range(flags.shape[0] - 1):
        earlier, later, step, rank = flags[k], flags[k + 1], steps[k], ranked[k]
        for c in range(n):
            usable[c] = ((earlier[c] & UNUSABLE) | (later[c] & (UNUSABLE | JUMP_DET))) == 0
            some[c] |= usable[c]
        for c in range(n):
            value, instead = step[c], fill[c]
            rank[c] = value if usable[c] else instead
            fill[c] = instead if usable[c] else -instead


@helper
def select_middle(ranked, network, n):
    for e in range(network.shape[0]):
        low, high = ranked[network[e, 0]], ranked[network[e, 1]]
        for c in range(n):
            a, b = low[c], high[c]
            low[c] = a if a < b else b
            high[c] = b if a < b else a


@helper
def add_median(ranked, fill, some, value, flag, kind, middle, rate, times, n):
    """``median_rate``: the rate of an integration joins the sum."""
    from_reset, from_zeroframe, group = times
    count = ranked.shape[0] - 1
    if count == 0:
        for c in range(n):
            rate[c] += NAN if flag[c] & SATURATED else value[c] / from_reset
        return
    lower, upper = ranked[max((count - 1 - count % 2) // 2, 0)], ranked[count // 2]
    single = upper if count % 2 else lower
    for c in range(n):
        mean = HALF * lower[c] + HALF * upper[c]
        middle[c] = mean if (fill[c] < ZERO) == (count % 2 == 1) else single[c]
    for c in range(n):
        fallback = value[c] if (flag[c] & UNUSABLE) == 0 else ZERO
        middle[c] = (middle[c] if some[c] else fallback) / group
    for c in range(n):
        other = value[c] / (from_zeroframe if kind[c] == FROM_ZEROFRAME else from_reset)
        rate[c] += other if kind[c] else middle[c]


@helper
def weigh_steps(steps, place, length, limits, rise, level, index, n):
    """``segment_exponents``, ``table_index``."""
    groups = length.shape[0]
    clear(rise, n)
    for k in range(groups - 1):
        _rise(steps[k], place[k + 1], rise, n)
        _level(rise, limits[0], limits[1], limits[2], limits[3], limits[4], level[k], n)
    for k in range(groups - 2, -1, -1):
        if k < groups - 2:
            _carry_level(length[k + 1], level[k + 1], level[k], n)
        _index(level[k], length[k], place[k + 1], groups + 1, index[k], n)


@helper
def _rise(step, place, rise, n):
    for c in range(n):
        value = rise[c] + step[c]
        rise[c] = value if place[c] > ZERO else ZERO


@helper
def _level(rise, one, two, three, four, five, level, n):
    for c in range(n):
        r = rise[c]
        below = (ONE if r < one[c] else ZERO) + (ONE if r < two[c] else ZERO) + (ONE if r < three[c] else ZERO)
        level[c] = HIGHEST - below - (ONE if r < four[c] else ZERO) - (ONE if r < five[c] else ZERO)


@helper
def _carry_level(continues, after, level, n):
    for c in range(n):
        own, later = level[c], after[c]
        level[c] = later if continues[c] > ZERO else own


@helper
def _index(level, length, place, size, index, n):
    for c in range(n):
        index[c] = (np.int32(level[c]) * size + np.int32(length[c])) * size + np.int32(place[c])


@helper
def begin_sums(values, flags, waiting, time, signal, reading, photons, n):
    """``lone_value``: sums over the lone groups, which are as good as none for other ramps."""
    clear(signal, n)
    for k in range(values.shape[0]):
        value, flag = values[k], flags[k]
        for c in range(n):
            taken = value[c] if (flag[c] & GOOD_BITS) == 0 else ZERO
            signal[c] += taken if waiting[c] else ZERO
        for c in range(n):
            waiting[c] = 0 if (flag[c] & GOOD_BITS) == 0 else waiting[c]
    for c in range(n):
        signal[c] = SIX * time[c] * signal[c]
        photons[c] = time[c]
    for c in range(n):
        reading[c] = SIX * time[c] * time[c]


@helper
def sum_segments(steps, length, index, table, signal, reading, photons, n):
    """``sum_segments``."""
    for k in range(length.shape[0] - 1):
        step, size, at = steps[k], length[k], index[k]
        for c in range(n):
            signal[c] += table[np.uint32(at[c])] * step[c]
        for c in range(n):
            count = size[c]
            reading[c] += count * (count + ONE)
            photons[c] += ONE if count > ZERO else ZERO
