"""Jumps by sigma clipping: only sets of differences that may lose one are ranked, as many at a time as a tile holds."""

from typing import NamedTuple

import numpy as np

from gpipe import dq
from gpipe.kernels.cpu.clipping import clip_bounds
from gpipe.kernels.cpu.compiling import allocating
from gpipe.kernels.cpu.far import FEW, copy_flags, flag_few, hold
from gpipe.kernels.cpu.jump_tiles import difference
from gpipe.kernels.cpu.quiet import judge_quiet
from gpipe.kernels.cpu.screen import begin
from gpipe.kernels.cpu.tiles import F, rank_tile
from gpipe.kernels.cpu.uncut import add_to_columns, find_uncut

JUMP_DET = dq.JUMP_DET
INFINITE = F(np.inf)


class Sets(NamedTuple):
    """Sets that may lose a value: (value, set), where each begins in the tile, and in which column."""

    values: np.ndarray
    ranked: np.ndarray
    known: np.ndarray
    first: np.ndarray
    column: np.ndarray


@allocating
def make_sets(values):
    planes = np.zeros((2, values, FEW), np.float32)
    count, place = np.zeros(FEW, np.int32), np.zeros((2, FEW), np.int64)
    return Sets(planes[0], planes[1], count, place[0], place[1])


@allocating
def find_clipped(
    data, groupdq, gain, readnoise, rules, levels, values, screen, uncut, sets, few, flags, marks, primary, first, last
):
    """Flag differences that clipping takes away, and mark what flags spread from."""
    columns, width, held = data.shape[3], values.shape[1], 0
    threshold = rules.least if rules.spreads else INFINITE
    for y in range(first, last):
        for x in range(0, columns, width):
            stop = min(x + width, columns)
            difference(data, groupdq, gain, y, x, stop, values)
            primary[y] += copy_flags(groupdq, y, x, stop, flags)
            begin(screen, stop - x)
            _clip(values, rules, stop - x, uncut, screen, sets, flags, y, x, primary)
            judge_quiet(values, gain[y, x:stop], readnoise[y, x:stop], rules.frames, threshold, levels, screen)
            held = hold(values, screen, gain, readnoise, y, x, stop, few, held, rules, levels, flags, marks, primary)
    flag_few(few, held, rules, levels, flags, marks, primary)


@allocating
def _clip(values, rules, n, uncut, screen, sets, flags, y, x, primary):
    """Flag what clipping takes away from sets of a tile: all values of a column, or those of a group.

    What is found out about the sets is put together for the columns.
    """
    held, step = 0, 1 if rules.together else flags.shape[1] - 1
    for g in range(min(step, values.shape[0])):
        find_uncut(values, g, step, F(rules.clip), n, uncut)
        add_to_columns(uncut, n, screen)
        for j in range(n):
            if uncut.is_clear[j]:
                continue
            sets.first[held], sets.column[held] = g, x + j
            for k in range(sets.values.shape[0]):
                sets.values[k, held] = values[g + k * step, j]
            held += 1
            if held == FEW:
                _flag_sets(sets, held, step, rules.clip, flags, y, primary)
                held = 0
    if held > 0:
        _flag_sets(sets, held, step, rules.clip, flags, y, primary)


@allocating
def _flag_sets(sets, held, step, threshold, flags, y, primary):
    differences = flags.shape[1] - 1
    rank_tile(sets.values, 0, 1, sets.ranked, sets.known)
    bounds = clip_bounds(sets.ranked, sets.known, threshold)
    for k in range(sets.values.shape[0]):
        line, lower, upper = sets.values[k], bounds[0], bounds[1]
        for j in range(held):
            if line[j] < lower[j] or line[j] > upper[j]:
                place = sets.first[j] + k * step
                flag = flags[place // differences, place % differences + 1, y]
                if not flag[sets.column[j]] & JUMP_DET:
                    flag[sets.column[j]] |= JUMP_DET
                    primary[y] += 1
