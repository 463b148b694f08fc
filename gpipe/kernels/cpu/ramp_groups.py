"""Ramp fits: ``prepare_groups`` and ``find_segments`` of a tile."""

import numpy as np

from gpipe.kernels.cpu.compiling import helper
from gpipe.kernels.cpu.ramp_tiles import (
    DO_NOT_USE,
    FROM_RESET,
    FROM_ZEROFRAME,
    JUMP_DET,
    ONE,
    SATURATED,
    TWO,
    ZERO,
)
from gpipe.kernels.cpu.tiles import LARGEST, clear
from gpipe.ramp_fitting.segments import GOOD_BITS, OPENING_BITS

UNSATURATED, UNJUMPED = 0xFF ^ SATURATED, 0xFF ^ JUMP_DET


@helper
def load_group(data, groupdq, outside, value, flag):
    """``prepare_groups``: a group that is not finite is DO_NOT_USE."""
    for c in range(data.size):
        finite = np.abs(data[c]) <= LARGEST
        value[c] = data[c] if finite else ZERO
        flag[c] = groupdq[c] | outside | (0 if finite else DO_NOT_USE)


@helper
def ignore_jump(flag, n):
    """``prepare_groups``: a jump of the first group says nothing."""
    for c in range(n):
        flag[c] &= UNJUMPED


@helper
def unite_flags(seen, flags, n):
    clear(seen, n)
    for k in range(flags.shape[0]):
        flag = flags[k]
        for c in range(n):
            seen[c] |= flag[c]


@helper
def find_only(flags, once, twice, n):
    """``prepare_groups``: ``once`` is 1 and ``twice`` 0 where one group only of a ramp is good."""
    clear(once, n)
    clear(twice, n)
    for k in range(flags.shape[0]):
        flag = flags[k]
        for c in range(n):
            good = (flag[c] & GOOD_BITS) == 0
            twice[c] |= once[c] & good
            once[c] |= good


@helper
def suppress_only(flags, once, twice, n):
    """``prepare_groups``: a ramp of which one group only is good is not used."""
    for k in range(flags.shape[0]):
        flag = flags[k]
        for c in range(n):
            flag[c] |= DO_NOT_USE if once[c] > twice[c] else 0


@helper
def find_lone(value, flags, zeroframe, later, kind, n):
    """``prepare_groups``: the ramps whose first group stands alone, and the ZEROFRAME in place of bad ones."""
    clear(later, n)
    for k in range(1, flags.shape[0]):
        flag = flags[k]
        for c in range(n):
            later[c] |= flag[c] == 0
    flag = flags[0]
    for c in range(n):
        frame = zeroframe[c]
        alone = later[c] == 0
        instead = alone and flag[c] != 0 and frame != ZERO and np.abs(frame) <= LARGEST
        kind[c] = FROM_ZEROFRAME if instead else (FROM_RESET if alone and flag[c] == 0 else 0)
    for c in range(n):
        instead = kind[c] == FROM_ZEROFRAME
        value[c] = zeroframe[c] if instead else value[c]
        flag[c] = 0 if instead else flag[c]


@helper
def take_steps(values, steps, n):
    for k in range(values.shape[0] - 1):
        earlier, later, step = values[k], values[k + 1], steps[k]
        for c in range(n):
            step[c] = later[c] - earlier[c]


@helper
def forget_replaced(kind, seen, n):
    """``_partly_saturated``: nothing is saturated where the ZEROFRAME stands in for the only group."""
    for c in range(n):
        seen[c] &= UNSATURATED if kind[c] == FROM_ZEROFRAME else 0xFF


@helper
def find_segments(flags, place, length, n):
    """``find_segments``: places of the groups forwards, then lengths backwards; 0 outside of segments."""
    groups = flags.shape[0]
    clear(place[0], n)
    clear(length[groups - 1], n)
    for k in range(groups - 1):
        _place(flags[k], flags[k + 1], flags[0], place[k], place[k + 1], n)
    for k in range(groups - 2, -1, -1):
        _carry_length(place[k + 1], length[k + 1], length[k], n)


@helper
def _place(earlier, later, first, before, here, n):
    for c in range(n):
        outside = (earlier[c] & OPENING_BITS) | (later[c] & GOOD_BITS) | (first[c] & SATURATED)
        number = before[c]
        here[c] = ZERO if outside else (number + ONE if number > ZERO else TWO)


@helper
def _carry_length(place, after, length, n):
    for c in range(n):
        number, whole = place[c], after[c]
        length[c] = ZERO if number == ZERO else (whole if whole > number else number)


@helper
def lone_time(flags, length, kind, ratios, lone, time, n):
    """``lone_time``; ``lone`` is 1 where the ramp is a lone group."""
    clear(lone, n)
    for k in range(flags.shape[0]):
        flag = flags[k]
        for c in range(n):
            lone[c] |= (flag[c] & GOOD_BITS) == 0
    first = flags[0]
    for c in range(n):
        lone[c] &= (first[c] & SATURATED) == 0
    for k in range(flags.shape[0] - 1):
        size = length[k]
        for c in range(n):
            lone[c] &= size[c] == ZERO
    from_reset, from_zeroframe = ratios
    for c in range(n):
        whole = from_reset if kind[c] == FROM_RESET else (from_zeroframe if kind[c] == FROM_ZEROFRAME else ONE)
        time[c] = whole if lone[c] else ZERO
