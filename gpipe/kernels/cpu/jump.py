"""Jumps: ``gpipe.jump.detection.flag_jumps`` in one pass over the samples and one over the flags.

The first pass takes tile by tile, calculates in float32 in the order of the portable functions and leaves, beside the
flags, a byte of marks for each difference: whether it flags neighbours, and for each level of ``AfterJump`` whether it
reaches it. The second lets flags spread where there are marks.
"""

import numpy as np

from gpipe import dq
from gpipe.arrays import nanmedian
from gpipe.jump.detection import Flagged, JumpSettings, open_rows
from gpipe.jump.detection import flag_jumps as portable
from gpipe.jump.differences import UNUSABLE
from gpipe.jump.method import Method
from gpipe.kernels.cpu.arguments import frozen
from gpipe.kernels.cpu.by_rows import by_rows
from gpipe.kernels.cpu.clipped import INFINITE, find_clipped, make_sets
from gpipe.kernels.cpu.compiling import helper, kernel
from gpipe.kernels.cpu.far import STRONG, find_far, make_few
from gpipe.kernels.cpu.iterative import bound_tile
from gpipe.kernels.cpu.jump_tiles import Rules, difference, make_tile, measure
from gpipe.kernels.cpu.screen import make_screen
from gpipe.kernels.cpu.tiles import F, clear, tile_width

JUMP_DET = dq.JUMP_DET
MOST_LEVELS = 7


def flag_jumps(
    data: np.ndarray,
    groupdq: np.ndarray,
    gain: np.ndarray,
    readnoise: np.ndarray,
    *,
    settings: JumpSettings,
    block_pixels: int | None = None,
    workers: int = 1,
) -> Flagged:
    """``gpipe.jump.detection.flag_jumps``; the portable function itself if it is not asked to look for jumps.

    ``block_pixels`` has no effect: tiles always fit the cache. ``workers`` threads share the rows.
    """
    if settings.method is None or len(settings.after) > MOST_LEVELS:
        return portable(data, groupdq, gain, readnoise, settings=settings, block_pixels=block_pixels, workers=workers)
    integrations, groups, rows, columns = data.shape
    typical_gain = nanmedian(gain.reshape(-1), axis=0, xp=np) if settings.after else F(0)
    levels = frozen(np.asarray([a.dn * typical_gain for a in settings.after], np.float32))
    reach = frozen(np.asarray([a.groups for a in settings.after], np.int32))
    arrays = [frozen(x) for x in (data, groupdq, gain, readnoise)]
    rules = _rules(settings)
    flags = np.empty(data.shape, np.uint8)
    marks = np.zeros((integrations, groups - 1, rows + 2, columns + 2), np.uint8)
    primary = np.zeros(rows, np.int64)
    width = tile_width(integrations * (groups - 1), columns)
    search = SEARCHES[settings.method]

    def find(first: int, last: int) -> None:
        search(*arrays, rules, levels, width, flags, marks, primary, first, last)

    def spread(first: int, last: int) -> None:
        spread_rows(flags, marks, reach, first, last)

    by_rows(find, rows, workers)
    opened = open_rows(flags) if settings.method is Method.SIGMA_CLIP else None
    if opened is not None and settings.whole_images:
        unflag_full_groups(flags, frozen(opened.any(axis=-1)), marks, primary)
    by_rows(spread, rows, workers)
    return Flagged(flags, primary, opened)


def _rules(settings: JumpSettings) -> Rules:
    limits, near = settings.thresholds, settings.neighbours
    return Rules(
        INFINITE if settings.method is Method.SIGMA_CLIP else F(limits.four_or_more),
        F(limits.three),
        F(limits.two),
        float(limits.four_or_more),
        not settings.only_use_ints,
        F(settings.frames),
        near is not None,
        F(near.least if near else 0),
        F(near.most if near else 0),
    )


@kernel
def find_iterative_rows(data, groupdq, gain, readnoise, rules, levels, width, flags, marks, primary, first, last):
    """Flag the jumps themselves, count the samples of each row with JUMP_DET, and mark what flags spread from."""
    tile = make_tile(data.shape[0] * (data.shape[1] - 1), width)
    _find_iterative(data, groupdq, gain, readnoise, rules, levels, tile, flags, marks, primary, first, last)


@kernel
def find_far_rows(data, groupdq, gain, readnoise, rules, levels, width, flags, marks, primary, first, last):
    """``find_iterative_rows`` in a single pass."""
    values = data.shape[0] * (data.shape[1] - 1)
    differences, screen, few = np.empty((values, width), np.float32), make_screen(width), make_few(values)
    find_far(
        data, groupdq, gain, readnoise, rules, levels, differences, screen, few, flags, marks, primary, first, last
    )


@kernel
def find_clipped_rows(data, groupdq, gain, readnoise, rules, levels, width, flags, marks, primary, first, last):
    """``find_iterative_rows`` by sigma clipping."""
    integrations, values = data.shape[0], data.shape[0] * (data.shape[1] - 1)
    differences, screen, uncut = np.empty((values, width), np.float32), make_screen(width), make_screen(width)
    sets, few = make_sets(values if rules.together else integrations), make_few(values)
    find_clipped(
        data,
        groupdq,
        gain,
        readnoise,
        rules,
        levels,
        differences,
        screen,
        uncut,
        sets,
        few,
        flags,
        marks,
        primary,
        first,
        last,
    )


SEARCHES = {
    Method.ITERATIVE: find_iterative_rows,
    Method.SINGLE_PASS: find_far_rows,
    Method.SIGMA_CLIP: find_clipped_rows,
}


@helper
def _find_iterative(data, groupdq, gain, readnoise, rules, levels, tile, flags, marks, primary, first, last):
    columns, width = data.shape[3], tile.flux.size
    for y in range(first, last):
        for x in range(0, columns, width):
            stop = min(x + width, columns)
            difference(data, groupdq, gain, y, x, stop, tile.values)
            measure(tile, gain[y, x:stop], readnoise[y, x:stop], rules)
            _judge(tile, rules)
            primary[y] += _write_flags(groupdq, tile.hits, y, x, stop, flags)
            if rules.spreads:
                _mark_strong(tile, flags, y, x, stop, rules, marks)
            for k in range(levels.size):
                _mark_large(tile, levels[k], np.uint8(STRONG << (k + 1)), y, x, stop, marks)


@helper
def _judge(tile, rules):
    """Which differences are jumps, by the iterative method."""
    bound_tile(
        tile.ranked,
        tile.variance,
        rules.four_or_more,
        rules.three,
        rules.two,
        tile.lower,
        tile.upper,
        tile.verdict,
        tile.state,
    )
    for k in range(tile.values.shape[0]):
        _outside(tile.values[k], tile.lower, tile.upper, tile.hits[k])


@helper
def _outside(values, lower, upper, hits):
    for j in range(values.size):
        size = np.abs(values[j])
        hits[j] = (size >= upper[j]) | (size <= lower[j])


@helper
def _write_flags(groupdq, hits, y, x, stop, flags):
    """Copy flags and add JUMP_DET; how many samples have it then."""
    integrations, groups = flags.shape[:2]
    count = 0
    for i in range(integrations):
        for g in range(groups):
            before, after = groupdq[i, g, y, x:stop], flags[i, g, y, x:stop]
            if g == 0:
                for j in range(after.size):
                    after[j] = before[j]
            else:
                _add(before, hits[i * (groups - 1) + g - 1], after)
            for j in range(after.size):
                count += (after[j] & JUMP_DET) != 0
    return count


@helper
def _add(before, hits, after):
    for j in range(before.size):
        after[j] = before[j] | hits[j] * JUMP_DET


@helper
def _mark_strong(tile, flags, y, x, stop, rules, marks):
    integrations, groups = flags.shape[:2]
    for j in range(tile.sigma.size):
        tile.lower[j], tile.upper[j] = rules.least * tile.sigma[j], rules.most * tile.sigma[j]
    for i in range(integrations):
        for g in range(groups - 1):
            values, after = tile.values[i * (groups - 1) + g], flags[i, g + 1, y, x:stop]
            target = marks[i, g, y + 1, x + 1 : stop + 1]
            for j in range(target.size):
                off = np.abs(values[j] - tile.flux[j])
                strong = (off > tile.lower[j]) & (off < tile.upper[j]) & ((after[j] & JUMP_DET) != 0)
                target[j] = STRONG if strong else 0


@helper
def _mark_large(tile, level, bit, y, x, stop, marks):
    integrations, differences = marks.shape[:2]
    for i in range(integrations):
        for g in range(differences):
            values, target = tile.values[i * differences + g], marks[i, g, y + 1, x + 1 : stop + 1]
            for j in range(target.size):
                target[j] |= bit if values[j] - tile.flux[j] >= level else np.uint8(0)


@kernel
def unflag_full_groups(flags, opened, marks, primary):
    """``gpipe.jump.detection.unflag_full_groups``, and what depends on it."""
    integrations, groups, rows, columns = flags.shape
    for i in range(integrations):
        for g in range(groups):
            group = flags[i, g]
            if opened[i, g]:
                continue
            for y in range(rows):
                for x in range(columns):
                    if group[y, x] == JUMP_DET:
                        group[y, x] = 0
                        primary[y] -= 1
                        if g > 0:
                            marks[i, g - 1, y + 1, x + 1] &= 0xFF - STRONG


@kernel
def spread_rows(flags, marks, reach, first, last):
    """Flag neighbours and following groups of marked differences; take JUMP_DET from samples that are not used."""
    left = np.empty((reach.size, flags.shape[3]), np.int32)
    _spread(flags, marks, reach, left, first, last)


@helper
def _spread(flags, marks, reach, left, first, last):
    integrations, groups, _, columns = flags.shape
    for i in range(integrations):
        for y in range(first, last):
            for k in range(reach.size):
                clear(left[k], columns)
            _clean(flags[i, 0, y])
            for g in range(1, groups):
                target, near = flags[i, g, y], marks[i, g - 1]
                _spread_to(target, near[y], near[y + 1], near[y + 2])
                for k in range(reach.size):
                    _follow(target, near[y + 1], np.uint8(STRONG << (k + 1)), reach[k], left[k])
                for k in range(reach.size):
                    _add_following(target, left[k])
                _clean(target)


@helper
def _spread_to(flags, above, here, below):
    """JUMP_DET where one of the four neighbours, or the pixel itself, flags neighbours."""
    for x in range(flags.size):
        reached = above[x + 1] | here[x] | here[x + 1] | here[x + 2] | below[x + 1]
        usable = (flags[x] & UNUSABLE) == 0
        flags[x] |= JUMP_DET if usable and reached & STRONG else 0


@helper
def _follow(flags, marks, bit, reach, left):
    """Of how many groups, with this one, each pixel is yet to be flagged."""
    for x in range(left.size):
        large = (marks[x + 1] & bit != 0) & (flags[x] & JUMP_DET != 0)
        left[x] = reach + 1 if large else max(left[x] - 1, 0)


@helper
def _add_following(flags, left):
    for x in range(flags.size):
        usable = (flags[x] & UNUSABLE) == 0
        flags[x] |= JUMP_DET if usable & (left[x] > 0) else 0


@helper
def _clean(flags):
    for x in range(flags.size):
        flags[x] &= 0xFF - JUMP_DET if flags[x] & UNUSABLE else 0xFF
