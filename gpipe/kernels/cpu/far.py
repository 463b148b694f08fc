"""Jumps in a single pass: only columns that may have one are ranked, as many at a time as a tile of their own holds."""

from typing import NamedTuple

import numpy as np

from gpipe import dq
from gpipe.kernels.cpu.compiling import allocating, helper
from gpipe.kernels.cpu.jump_tiles import Tile, difference, make_tile, measure
from gpipe.kernels.cpu.quiet import find_quiet

JUMP_DET = dq.JUMP_DET
STRONG = 1
"""Mark of a jump that flags neighbours; those of ``AfterJump`` are the bits above."""
FEW = 64


class Few(NamedTuple):
    """Columns that may have jumps: their differences and marks (value, column), and whose they are."""

    tile: Tile
    marks: np.ndarray
    gain: np.ndarray
    readnoise: np.ndarray
    row: np.ndarray
    column: np.ndarray


@allocating
def make_few(values):
    pixel, place = np.ones((2, FEW), np.float32), np.empty((2, FEW), np.int64)
    marks = np.zeros((values, FEW), np.uint8)
    return Few(make_tile(values, FEW), marks, pixel[0], pixel[1], place[0], place[1])


@helper
def find_far(data, groupdq, gain, readnoise, rules, levels, values, screen, few, flags, marks, primary, first, last):
    """Flag differences that are far from the median, and mark what flags spread from."""
    columns, width, held = data.shape[3], values.shape[1], 0
    threshold = min(rules.four_or_more, rules.least) if rules.spreads else rules.four_or_more
    for y in range(first, last):
        for x in range(0, columns, width):
            stop = min(x + width, columns)
            difference(data, groupdq, gain, y, x, stop, values)
            primary[y] += copy_flags(groupdq, y, x, stop, flags)
            find_quiet(values, gain[y, x:stop], readnoise[y, x:stop], rules.frames, threshold, levels, screen)
            held = hold(values, screen, gain, readnoise, y, x, stop, few, held, rules, levels, flags, marks, primary)
    flag_few(few, held, rules, levels, flags, marks, primary)


@helper
def hold(values, screen, gain, readnoise, y, x, stop, few, held, rules, levels, flags, marks, primary):
    """Add columns of a tile that are not quiet to the ``held`` ones, flag them when they are many; how many remain."""
    for j in range(stop - x):
        if screen.is_clear[j]:
            continue
        few.gain[held], few.readnoise[held] = gain[y, x + j], readnoise[y, x + j]
        few.row[held], few.column[held] = y, x + j
        for k in range(values.shape[0]):
            few.tile.values[k, held] = values[k, j]
        held += 1
        if held == FEW:
            flag_few(few, held, rules, levels, flags, marks, primary)
            held = 0
    return held


@helper
def copy_flags(groupdq, y, x, stop, flags):
    """Copy flags; how many samples have JUMP_DET before any is looked for, which is rare."""
    seen, count = np.uint8(0), 0
    for i in range(flags.shape[0]):
        for g in range(flags.shape[1]):
            before, after = groupdq[i, g, y, x:stop], flags[i, g, y, x:stop]
            for j in range(after.size):
                after[j] = before[j]
            for j in range(after.size):
                seen |= before[j]
    if seen & JUMP_DET:
        for i in range(flags.shape[0]):
            for g in range(flags.shape[1]):
                for j in range(x, stop):
                    count += (groupdq[i, g, y, j] & JUMP_DET) != 0
    return count


@helper
def flag_few(few, held, rules, levels, flags, marks, primary):
    """Judge the columns that are held, and write their flags and marks."""
    tile, differences = few.tile, marks.shape[1]
    measure(tile, few.gain, few.readnoise, rules)
    for j in range(FEW):
        tile.lower[j], tile.upper[j] = rules.least * tile.sigma[j], rules.most * tile.sigma[j]
    for k in range(tile.values.shape[0]):
        _far(tile.values[k], tile.flux, tile.sigma, rules.four_or_more, tile.hits[k])
        _strong(tile.values[k], tile.flux, tile.lower, tile.upper, np.uint8(STRONG * rules.spreads), few.marks[k])
        for n in range(levels.size):
            _large(tile.values[k], tile.flux, levels[n], np.uint8(STRONG << (n + 1)), few.marks[k])
        if _some(tile.hits[k], few.marks[k]):
            flag, mark = flags[k // differences, k % differences + 1], marks[k // differences, k % differences]
            for j in range(held):
                _write(tile.hits[k, j], few.marks[k, j], few.row[j], few.column[j], flag, mark, primary)


@helper
def _far(values, flux, sigma, threshold, hits):
    for j in range(FEW):
        hits[j] = np.abs(values[j] - flux[j]) > threshold * sigma[j]


@helper
def _strong(values, flux, lower, upper, bit, marks):
    for j in range(FEW):
        off = np.abs(values[j] - flux[j])
        marks[j] = bit if (off > lower[j]) & (off < upper[j]) else np.uint8(0)


@helper
def _large(values, flux, level, bit, marks):
    for j in range(FEW):
        marks[j] |= bit if values[j] - flux[j] >= level else np.uint8(0)


@helper
def _some(hits, marks):
    found = np.uint8(0)
    for j in range(FEW):
        found |= hits[j] | marks[j]
    return found != 0


@helper
def _write(hit, mark, y, x, flags, marks, primary):
    """Neighbours are flagged by jumps only, whoever found them."""
    if hit and not flags[y, x] & JUMP_DET:
        flags[y, x] |= JUMP_DET
        primary[y] += 1
    if mark:
        marks[y + 1, x + 1] = mark if flags[y, x] & JUMP_DET else mark & (0xFF - STRONG)
