"""Ramp fits: sums of an integration where nearly all pixels of a tile have the same flags.

Their segments are the same, so that places, lengths and coefficients are numbers instead of planes. The other pixels,
the odd ones, are fitted as in ``ramp_sums``, side by side in a tile of their own. Results are the same bit by bit.
"""

import numpy as np

from gpipe.kernels.cpu.compiling import helper, inlined
from gpipe.kernels.cpu.ramp_rates import SMALLEST
from gpipe.kernels.cpu.ramp_sums import add_median, select_middle
from gpipe.kernels.cpu.ramp_tiles import FEW, JUMP_DET, LEVELS, ONE, SATURATED, SIX, ZERO
from gpipe.kernels.cpu.tiles import LARGEST, F, clear
from gpipe.ramp_fitting.groups import UNUSABLE
from gpipe.ramp_fitting.segments import GOOD_BITS, OPENING_BITS

NO_PATTERN = -1


@helper
def find_pattern(tile, kind, n):
    """The flags that most pixels have, their segments and the odd pixels, of which it gives the number.

    The flags are those that two of three pixels have. NO_PATTERN if too many others are odd, or there are no segments.
    """
    flags, pattern = tile.flags, tile.pattern
    for k in range(pattern.size):
        one, two, three = flags[k, n // 4], flags[k, n // 2], flags[k, 3 * n // 4]
        pattern[k] = (one & two) | (one & three) | (two & three)
    if not _has_segments(pattern, tile.position, tile.size):
        return NO_PATTERN
    _copy(kind, tile.is_odd, n)
    for k in range(pattern.size):
        _differ(flags[k], pattern[k], tile.is_odd, n)
    count, most = 0, min(FEW, n // 4)
    for c in range(n):
        if tile.is_odd[c]:
            if count == most:
                return NO_PATTERN
            tile.odd[count] = c
            count += 1
    return count


@helper
def _differ(flag, common, is_odd, n):
    for c in range(n):
        is_odd[c] |= flag[c] ^ common


@helper
def _has_segments(pattern, place, size):
    """``find_segments``: which place the later group of each step has in a segment of what size, or 0; if any has."""
    steps = pattern.size - 1
    found = False
    for k in range(steps):
        joined = pattern[k] & OPENING_BITS == 0 and pattern[k + 1] & GOOD_BITS == 0 and pattern[0] & SATURATED == 0
        before = place[k - 1] if k > 0 else 0
        place[k] = max(before, 1) + 1 if joined else 0
        found |= joined
    for k in range(steps - 1, -1, -1):
        after = size[k + 1] if k + 1 < steps else 0
        size[k] = max(place[k], after) if place[k] > 0 else 0
    return found


@inlined
def add_plain_median(tile, kind, network, times, rate, n):
    """``rank_steps`` and ``add_median``."""
    fill, some, pattern = LARGEST, np.uint8(0), tile.pattern
    for k in range(pattern.size - 1):
        if (pattern[k] & UNUSABLE) | (pattern[k + 1] & (UNUSABLE | JUMP_DET)):
            _fill(tile.ranked[k], fill, n)
            fill = -fill
        else:
            _copy(tile.steps[k], tile.ranked[k], n)
            some = np.uint8(1)
    _fill(tile.number, fill, n)
    _fill(tile.some, some, n)
    select_middle(tile.ranked, network, n)
    add_median(tile.ranked, tile.number, tile.some, tile.values[0], tile.flags[0], kind, tile.other, rate, times, n)


@inlined
def sum_plain(tile, limits, table, time, signal, reading, photons, n):
    """``weigh_steps`` and ``sum_segments``."""
    clear(signal, n)
    clear(time, n)
    count, pieces, k = ZERO, ZERO, 0
    while k < tile.size.size:
        length = tile.size[k]
        if length == 0:
            _add(tile.steps[k], ZERO, signal, n)
            k += 1
            continue
        _sum_segment(tile, k, length, limits, table, signal, n)
        for _ in range(length - 1):
            count += F(length) * (F(length) + ONE)
            pieces += ONE
        k += length - 1
    _fill(reading, count, n)
    _fill(photons, pieces, n)


@inlined
def _sum_segment(tile, first, length, limits, table, signal, n):
    """The sum with the coefficients of each level that occurs; each pixel takes that of its own."""
    rise, level, total, result = tile.number, tile.places[0], tile.other, tile.level[0]
    clear(rise, n)
    for k in range(first, first + length - 1):
        _add(tile.steps[k], ONE, rise, n)
    for c in range(n):
        r = rise[c]
        below = np.int32(r < limits[0, c]) + np.int32(r < limits[1, c]) + np.int32(r < limits[2, c])
        level[c] = np.int32(LEVELS) - below - np.int32(r < limits[3, c]) - np.int32(r < limits[4, c])
    present = np.int32(0)
    for c in range(n):
        present |= np.int32(0) if tile.is_odd[c] else np.int32(1) << level[c]
    side = tile.size.size + 2
    for weight in range(LEVELS + 1):
        if (present >> weight) & 1:
            _copy(signal, total, n)
            row = (weight * side + length) * side
            for k in range(first, first + length - 1):
                _add(tile.steps[k], table[row + tile.position[k]], total, n)
            for c in range(n):
                result[c] = total[c] if level[c] == weight else result[c]
    _copy(result, signal, n)


@helper
def take_odd(tile, kind, pixels, few, few_kind, few_pixels, count):
    """Gather the odd pixels."""
    for q in range(count):
        c = tile.odd[q]
        few_kind[q], few_pixels.rate[q] = kind[c], pixels.rate[c]
        for s in range(LEVELS):
            few_pixels.limits[s, q] = pixels.limits[s, c]
        for k in range(tile.flags.shape[0]):
            few.flags[k, q], few.values[k, q], few.steps[k, q] = tile.flags[k, c], tile.values[k, c], tile.steps[k, c]


@helper
def put_odd(i, kept, rate, odd, few_kept, few_rate, count):
    """Put the sums of the odd pixels in their places; their lengths stay side by side."""
    for q in range(count):
        c = odd[q]
        rate[c], kept.time[i, c] = few_rate[q], few_kept.time[0, q]
        kept.signal[i, c], kept.reading[i, c] = few_kept.signal[0, q], few_kept.reading[0, q]
        kept.photons[i, c], kept.odd[i, q] = few_kept.photons[0, q], c
        for k in range(kept.length.shape[1] - 1):
            kept.length[i, k, q] = few_kept.length[0, k, q]


@helper
def add_plain_information(size, odd, lengths, time, unit_reading, unit_photons, term, information, n):
    """``add_information``: one term for all steps of a segment, and the odd pixels by themselves."""
    for k in range(size.size):
        if k == 0 or size[k] != size[k - 1]:
            _set_term(F(size[k]), unit_reading, unit_photons, term, n)
        _add(term, ONE, information, n)
    for q in range(odd.size):
        c = odd[q]
        reading = unit_reading[c] if unit_reading[c] > ZERO else SMALLEST
        information[c] = SIX * time[c] * time[c] / (SIX * time[c] * unit_photons[c] + reading)
        for k in range(size.size):
            moment = lengths[k, q] * (lengths[k, q] + ONE)
            information[c] += moment / (moment * unit_photons[c] + reading)


@helper
def _set_term(size, unit_reading, unit_photons, term, n):
    moment = size * (size + ONE)
    for c in range(n):
        reading = unit_reading[c] if unit_reading[c] > ZERO else SMALLEST
        term[c] = moment / (moment * unit_photons[c] + reading)


@helper
def _add(values, factor, total, n):
    for c in range(n):
        total[c] += factor * values[c]


@helper
def _copy(source, target, n):
    for c in range(n):
        target[c] = source[c]


@helper
def _fill(target, value, n):
    for c in range(n):
        target[c] = value
