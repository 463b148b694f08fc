"""Ramp fits: ``gpipe.ramp_fitting.fit.fit_ramps`` in one pass over the samples.

A tile is a stretch of columns of one row: inner loops run along it and its planes stay in the processor's cache. Each
function says which function of ``gpipe.ramp_fitting`` it repeats, in the same order of operations in float32, so that
results are the same numbers. Loops write to one or two arrays only: with more, LLVM gives up telling them apart and
does not vectorise.
"""

import functools
from typing import NamedTuple

import numpy as np

from gpipe import dq
from gpipe.arrays.masked_median import selection_network
from gpipe.backends.kernels.cpu.compiling import frozen, helper, kernel
from gpipe.backends.kernels.cpu.tiles import HALF, LARGEST, NAN, F
from gpipe.ramp_fitting import fit as portable
from gpipe.ramp_fitting.fit import RampFit, check_shapes
from gpipe.ramp_fitting.groups import UNUSABLE
from gpipe.ramp_fitting.rates import HANDED_ON, Rates
from gpipe.ramp_fitting.segments import GOOD_BITS, OPENING_BITS
from gpipe.ramp_fitting.variances import LARGE_VARIANCE, TINY
from gpipe.ramp_fitting.weights import SIGNAL_TO_NOISE, step_coefficients

ZERO, ONE, TWO, FOUR, SIX, TWELVE = F(0), F(1), F(2), F(4), F(6), F(12)
LARGE, SMALLEST = F(LARGE_VARIANCE), F(TINY)
LEVELS = len(SIGNAL_TO_NOISE)
HIGHEST = F(LEVELS)
LINEAR = np.array([0.5 * s * s for s in SIGNAL_TO_NOISE], np.float32)
ROOTED = np.array([0.5 * s for s in SIGNAL_TO_NOISE], np.float32)
SQUARED = np.array([s * s for s in SIGNAL_TO_NOISE], np.float32)
DO_NOT_USE, SATURATED, JUMP_DET, CHARGELOSS = dq.DO_NOT_USE, dq.SATURATED, dq.JUMP_DET, dq.CHARGELOSS
NO_GAIN = dq.NO_GAIN_VALUE | dq.DO_NOT_USE
UNSATURATED = 0xFF ^ SATURATED
WITHDRAWN = CHARGELOSS | DO_NOT_USE
NO_GAIN_VALUE = dq.NO_GAIN_VALUE

WIDEST, NARROWEST = 512, 64
TILE_INTEGRATIONS = 1 << 15

FROM_RESET, FROM_ZEROFRAME = 1, 2
"""How a first group that stands alone came by its signal."""


class Settings(NamedTuple):
    """What ``FitOptions`` says, as numbers: times in seconds, ratios in group times."""

    times: tuple[float, float, float]
    ratios: tuple[float, float]
    frames_factor: float
    first: int
    last: int
    suppress: bool
    restore: bool


class Tile(NamedTuple):
    """Planes of one integration: (group, column) or (column,)."""

    flags: np.ndarray
    places: np.ndarray
    values: np.ndarray
    steps: np.ndarray
    ranked: np.ndarray
    place: np.ndarray
    length: np.ndarray
    level: np.ndarray
    waiting: np.ndarray
    some: np.ndarray
    number: np.ndarray
    other: np.ndarray


class Kept(NamedTuple):
    """What is kept of each integration until the rate of the exposure is known: (integration, …, column).

    The last plane, one more than there are integrations, holds sums and unions over all of them.
    """

    signal: np.ndarray
    reading: np.ndarray
    photons: np.ndarray
    time: np.ndarray
    length: np.ndarray
    seen: np.ndarray
    started: np.ndarray
    kind: np.ndarray


class Pixels(NamedTuple):
    """Planes of the pixels themselves: (column,), limits (level, column)."""

    quality: np.ndarray
    limits: np.ndarray
    noise: np.ndarray
    gain: np.ndarray
    rate: np.ndarray
    unit_reading: np.ndarray
    unit_photons: np.ndarray
    information: np.ndarray


@helper
def _load(data, groupdq, outside, value, flag):
    """``prepare_groups``: a NaN is a group that is DO_NOT_USE."""
    for c in range(data.size):
        missing = data[c] != data[c]
        value[c] = ZERO if missing else data[c]
        flag[c] = groupdq[c] | outside | (DO_NOT_USE if missing else 0)


@helper
def _join(seen, flags, n):
    seen[:n] = 0
    for k in range(flags.shape[0]):
        flag = flags[k]
        for c in range(n):
            seen[c] |= flag[c]


@helper
def _suppress_lone(flags, once, twice, n):
    """``prepare_groups``: a ramp of which one group only is good is not used."""
    once[:n] = 0
    twice[:n] = 0
    for k in range(flags.shape[0]):
        flag = flags[k]
        for c in range(n):
            good = (flag[c] & GOOD_BITS) == 0
            twice[c] |= once[c] & good
            once[c] |= good
    for k in range(flags.shape[0]):
        flag = flags[k]
        for c in range(n):
            flag[c] |= DO_NOT_USE if once[c] > twice[c] else 0


@helper
def _find_lone(value, flags, zeroframe, later, kind, n):
    """``prepare_groups``: the ramps whose first group stands alone, and the ZEROFRAME in place of bad ones."""
    later[:n] = 0
    for k in range(1, flags.shape[0]):
        flag = flags[k]
        for c in range(n):
            later[c] |= flag[c] == 0
    flag = flags[0]
    for c in range(n):
        frame = zeroframe[c]
        alone = later[c] == 0
        instead = alone and flag[c] != 0 and frame != ZERO and frame == frame
        kind[c] = FROM_ZEROFRAME if instead else (FROM_RESET if alone and flag[c] == 0 else 0)
    for c in range(n):
        instead = kind[c] == FROM_ZEROFRAME
        value[c] = zeroframe[c] if instead else value[c]
        flag[c] = 0 if instead else flag[c]


@helper
def _take_steps(values, steps, n):
    for k in range(values.shape[0] - 1):
        earlier, later, step = values[k], values[k + 1], steps[k]
        for c in range(n):
            step[c] = later[c] - earlier[c]


@helper
def _rank_steps(steps, flags, ranked, usable, some, fill, n):
    """``masked_median``: the steps between usable groups, with the others as very large and small ones in turn."""
    some[:n] = 0
    fill[:n] = LARGEST
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
def _select(ranked, network, n):
    for e in range(network.shape[0]):
        low, high = ranked[network[e, 0]], ranked[network[e, 1]]
        for c in range(n):
            a, b = low[c], high[c]
            low[c] = a if a < b else b
            high[c] = b if a < b else a


@helper
def _add_median(ranked, fill, some, value, flag, kind, middle, rate, times, n):
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
def _find_segments(flags, place, length, n):
    """``find_segments``: places of the groups forwards, then lengths backwards; 0 outside of segments."""
    groups = flags.shape[0]
    place[0, :n] = ZERO
    length[groups - 1, :n] = ZERO
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
def _weigh(steps, place, length, limits, rise, level, index, n):
    """``segment_exponents``, ``table_index``."""
    groups = length.shape[0]
    rise[:n] = ZERO
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
def _lone_time(flags, length, kind, ratios, lone, time, n):
    """``lone_time``; ``lone`` is 1 where the ramp is a lone group."""
    lone[:n] = 0
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


@helper
def _begin_sums(values, flags, waiting, time, signal, reading, photons, n):
    """``lone_value``: sums over the lone groups, which are as good as none for other ramps."""
    signal[:n] = ZERO
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
def _sum_segments(steps, length, index, table, signal, reading, photons, n):
    """``sum_segments``."""
    for k in range(length.shape[0] - 1):
        step, size, at = steps[k], length[k], index[k]
        for c in range(n):
            signal[c] += table[np.uint32(at[c])] * step[c]
        for c in range(n):
            count = size[c]
            reading[c] += count * (count + ONE)
            photons[c] += ONE if count > ZERO else ZERO


@helper
def _know_pixels(pixeldq, readnoise, gain, frames_factor, quality, noise, known):
    """``pixel_quality``, and electrons of read noise in one group."""
    for c in range(gain.size):
        bad = not gain[c] > ZERO
        quality[c] = pixeldq[c] | (NO_GAIN if bad else 0)
        known[c] = ONE if bad else gain[c]
    for c in range(gain.size):
        noise[c] = readnoise[c] * known[c] * frames_factor


@helper
def _signal_limits(noise, gain, limits, n):
    for s in range(LEVELS):
        limit = limits[s]
        for c in range(n):
            limit[c] = (LINEAR[s] + ROOTED[s] * np.sqrt(SQUARED[s] + FOUR * noise[c] * noise[c])) / gain[c]


@helper
def _noise_units(noise, gain, rate, integrations, dark, group, unit_reading, unit_photons):
    """``noise_units`` from the sum of the rates of the integrations."""
    for c in range(dark.size):
        per_group = noise[c] / (gain[c] * group)
        unit_reading[c] = TWELVE * per_group * per_group
    for c in range(dark.size):
        mean = rate[c] / integrations
        flux = mean if mean > ZERO else ZERO
        unit_photons[c] = (flux + dark[c]) / (gain[c] * group)


@helper
def _flag(quality, seen, started, reading, flags):
    for c in range(flags.size):
        bits = quality[c] | (seen[c] & HANDED_ON)
        flags[c] = bits | (0 if reading[c] > ZERO else DO_NOT_USE) | (SATURATED if started[c] == 0 else 0)


@helper
def _slopes(signal, reading, unit_reading, flags, group, slope):
    for c in range(slope.size):
        known = unit_reading[c] > ZERO and (flags[c] & UNUSABLE) == 0
        value = signal[c] / (group * (reading[c] if reading[c] > ZERO else ONE))
        slope[c] = value if known else NAN


@helper
def _read_noise(reading, unit_reading, flags, variance):
    for c in range(variance.size):
        some = reading[c] > ZERO
        value = unit_reading[c] / (reading[c] if some else ONE)
        known = some and not value >= LARGE and (flags[c] & UNUSABLE) == 0
        variance[c] = value if known else ZERO


@helper
def _poisson(photons, unit_photons, flags, variance):
    for c in range(variance.size):
        some = photons[c] > ZERO
        value = unit_photons[c] / (photons[c] if some else ONE)
        known = some and value > ZERO and value < LARGE and (flags[c] & UNUSABLE) == 0
        variance[c] = value if known else ZERO


@helper
def _errors(time, length, unit_reading, unit_photons, flags, information, error):
    """``combined_error``."""
    n = error.size
    for c in range(n):
        reading = unit_reading[c] if unit_reading[c] > ZERO else SMALLEST
        information[c] = SIX * time[c] * time[c] / (SIX * time[c] * unit_photons[c] + reading)
    for k in range(length.shape[0] - 1):
        size = length[k]
        for c in range(n):
            reading = unit_reading[c] if unit_reading[c] > ZERO else SMALLEST
            moment = size[c] * (size[c] + ONE)
            information[c] += moment / (moment * unit_photons[c] + reading)
    for c in range(n):
        variance = ZERO if information[c] == ZERO else ONE / information[c]
        missing = variance < ZERO or unit_reading[c] != unit_reading[c]
        value = NAN if missing else np.sqrt(variance)
        error[c] = ZERO if variance > LARGE or (flags[c] & UNUSABLE) else value


@helper
def _read_integration(data, groupdq, zeroframe, i, r, start, n, tile, kept, settings):
    """``prepare_groups`` of one integration."""
    count = data.shape[1]
    for k in range(count):
        outside = 0 if settings.first <= k <= settings.last else DO_NOT_USE
        _load(
            data[i, k, r, start : start + n],
            groupdq[i, k, r, start : start + n],
            outside,
            tile.values[k],
            tile.flags[k],
        )
    _join(kept.seen[i], tile.flags, n)
    kept.kind[i, :n] = 0
    if settings.suppress and count > 1:
        _suppress_lone(tile.flags, tile.waiting, tile.some, n)
    else:
        frame = zeroframe[i, r, start : start + n]
        _find_lone(tile.values[0], tile.flags, frame, tile.waiting, kept.kind[i], n)
    if count == 1:
        _forget_replaced(kept.kind[i], kept.seen[i], n)
    _take_steps(tile.values, tile.steps, n)
    first, started = tile.flags[0], kept.started[i]
    for c in range(n):
        started[c] = (first[c] & SATURATED) == 0


@helper
def _forget_replaced(kind, seen, n):
    """``_partly_saturated``: nothing is saturated where the ZEROFRAME stands in for the only group."""
    for c in range(n):
        seen[c] &= UNSATURATED if kind[c] == FROM_ZEROFRAME else 0xFF


@helper
def _measure_integration(i, n, tile, kept, pixels, table, network, settings):
    """Its first estimate of the rate and its sums over segments."""
    kind = kept.kind[i]
    _rank_steps(tile.steps, tile.flags, tile.ranked, tile.waiting, tile.some, tile.number, n)
    _select(tile.ranked, network, n)
    _add_median(
        tile.ranked,
        tile.number,
        tile.some,
        tile.values[0],
        tile.flags[0],
        kind,
        tile.other,
        pixels.rate,
        settings.times,
        n,
    )
    length = kept.length[i]
    _find_segments(tile.flags, tile.place, length, n)
    _weigh(tile.steps, tile.place, length, pixels.limits, tile.number, tile.level, tile.places, n)
    time, signal, reading, photons = kept.time[i], kept.signal[i], kept.reading[i], kept.photons[i]
    _lone_time(tile.flags, length, kind, settings.ratios, tile.waiting, time, n)
    _begin_sums(tile.values, tile.flags, tile.waiting, time, signal, reading, photons, n)
    _sum_segments(tile.steps, length, tile.places, table, signal, reading, photons, n)


@helper
def _rate_of(i, n, kept, pixels, group, rates, flags):
    """``integration_rates`` and ``exposure_rates``, all but the error and the flag of partial saturation."""
    unit_reading, unit_photons = pixels.unit_reading, pixels.unit_photons
    slope, var_poisson, var_rnoise, _ = rates
    _flag(pixels.quality, kept.seen[i], kept.started[i], kept.reading[i], flags)
    _slopes(kept.signal[i], kept.reading[i], unit_reading, flags, group, slope)
    _poisson(kept.photons[i], unit_photons, flags, var_poisson)
    _read_noise(kept.reading[i], unit_reading, flags, var_rnoise)


@helper
def _flag_saturated(seen, flags):
    for c in range(flags.size):
        flags[c] |= seen[c] & SATURATED


@helper
def _add_up(kept, integrations, n):
    """Sums over the integrations, in the order of NumPy."""
    for total in (kept.signal, kept.reading, kept.photons):
        total[integrations, :n] = ZERO
    kept.seen[integrations, :n] = 0
    kept.started[integrations, :n] = 0
    for i in range(integrations):
        for part in (kept.signal, kept.reading, kept.photons):
            _add(part[i], part[integrations], n)
        for flags in (kept.seen, kept.started):
            _unite(flags[i], flags[integrations], n)


@helper
def _add(part, total, n):
    for c in range(n):
        total[c] += part[c]


@helper
def _unite(part, total, n):
    for c in range(n):
        total[c] |= part[c]


@helper
def _restore(groupdq, i, r, start, n, tile, kept, pixels, settings, flags, variance, information):
    """``restore_lost_groups`` of one integration: as if the groups that were withdrawn had been fitted."""
    for k in range(groupdq.shape[1]):
        outside = 0 if settings.first <= k <= settings.last else DO_NOT_USE
        given, flag = groupdq[i, k, r, start : start + n], tile.flags[k]
        for c in range(n):
            flag[c] = (given[c] | outside) ^ (WITHDRAWN if given[c] & CHARGELOSS else 0)
    _find_segments(tile.flags, tile.place, tile.length, n)
    time, reading, seen = tile.other, tile.number, kept.seen[i]
    _lone_time(tile.flags, tile.length, kept.kind[i], settings.ratios, tile.waiting, time, n)
    for c in range(n):
        reading[c] = SIX * time[c] * time[c]
    for k in range(groupdq.shape[1] - 1):
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


@helper
def _any(flags, bit, n):
    found = 0
    for c in range(n):
        found |= flags[c]
    return (found & bit) != 0


@helper
def _scratch(integrations, groups, width):
    """The planes of a tile."""
    floats = np.empty((6, groups, width), np.float32)
    lines = np.empty((9, width), np.float32)
    masks = np.empty((2, width), np.uint8)
    tile = Tile(
        np.empty((groups, width), np.uint8),
        np.empty((groups, width), np.int32),
        floats[0],
        floats[1],
        floats[2],
        floats[3],
        floats[4],
        floats[5],
        masks[0],
        masks[1],
        lines[0],
        lines[1],
    )
    sums = np.empty((4, integrations + 1, width), np.float32)
    marks = np.empty((3, integrations + 1, width), np.uint8)
    lengths = np.empty((integrations, groups, width), np.float32)
    kept = Kept(sums[0], sums[1], sums[2], sums[3], lengths, marks[0], marks[1], marks[2])
    limits = np.empty((LEVELS, width), np.float32)
    quality = np.empty(width, np.uint32)
    pixels = Pixels(quality, limits, lines[2], lines[3], lines[4], lines[5], lines[6], lines[7])
    return tile, kept, pixels


@helper
def _fit_tile(
    data,
    groupdq,
    pixeldq,
    readnoise,
    gain,
    dark,
    zeroframe,
    table,
    network,
    settings,
    r,
    start,
    n,
    tile,
    kept,
    pixels,
    exposure,
    exposure_dq,
    integrations,
    integrations_dq,
):
    count, group = data.shape[0], settings.times[2]
    part = slice(start, start + n)
    _know_pixels(
        pixeldq[r, part],
        readnoise[r, part],
        gain[r, part],
        settings.frames_factor,
        pixels.quality,
        pixels.noise,
        pixels.gain,
    )
    _signal_limits(pixels.noise, pixels.gain, pixels.limits, n)
    pixels.rate[:n] = ZERO
    for i in range(count):
        _read_integration(data, groupdq, zeroframe, i, r, start, n, tile, kept, settings)
        _measure_integration(i, n, tile, kept, pixels, table, network, settings)
    _noise_units(
        pixels.noise, pixels.gain, pixels.rate, F(count), dark[r, part], group, pixels.unit_reading, pixels.unit_photons
    )
    for i in range(count):
        flags, error = integrations_dq[i, r, part], integrations[3, i, r, part]
        rates = (integrations[0, i, r, part], integrations[1, i, r, part], integrations[2, i, r, part], error)
        _rate_of(i, n, kept, pixels, group, rates, flags)
        _errors(kept.time[i], kept.length[i], pixels.unit_reading, pixels.unit_photons, flags, tile.other, error)
        _flag_saturated(kept.seen[i], flags)
    _add_up(kept, count, n)
    flags, error = exposure_dq[r, part], exposure[3, r, part]
    var_poisson, var_rnoise = exposure[1, r, part], exposure[2, r, part]
    _rate_of(count, n, kept, pixels, group, (exposure[0, r, part], var_poisson, var_rnoise, error), flags)
    for c in range(n):
        error[c] = np.sqrt(var_poisson[c] + var_rnoise[c])
    _flag_saturated(kept.seen[count], flags)
    if settings.restore and _any(kept.seen[count], CHARGELOSS, n):
        information = pixels.information
        information[:n] = ZERO
        for i in range(count):
            flags, variance = integrations_dq[i, r, part], integrations[2, i, r, part]
            _restore(groupdq, i, r, start, n, tile, kept, pixels, settings, flags, variance, information)
        for c in range(n):
            if kept.seen[count, c] & CHARGELOSS and information[c] > ZERO:
                var_rnoise[c] = ONE / information[c]


@kernel
def _fit(
    data,
    groupdq,
    pixeldq,
    readnoise,
    gain,
    dark,
    zeroframe,
    table,
    network,
    settings,
    width,
    exposure,
    exposure_dq,
    integrations,
    integrations_dq,
):
    count, groups, rows, columns = data.shape
    tile, kept, pixels = _scratch(count, groups, width)
    for r in range(rows):
        for start in range(0, columns, width):
            n = min(width, columns - start)
            _fit_tile(
                data,
                groupdq,
                pixeldq,
                readnoise,
                gain,
                dark,
                zeroframe,
                table,
                network,
                settings,
                r,
                start,
                n,
                tile,
                kept,
                pixels,
                exposure,
                exposure_dq,
                integrations,
                integrations_dq,
            )


def fit_ramps(data, groupdq, pixeldq, readnoise, gain, *, options, dark_current=None, zeroframe=None, workers=1):
    """See ``gpipe.ramp_fitting.fit.fit_ramps``, which fits if segments are asked for."""
    if options.segments:
        return portable.fit_ramps(
            data,
            groupdq,
            pixeldq,
            readnoise,
            gain,
            options=options,
            dark_current=dark_current,
            zeroframe=zeroframe,
            workers=workers,
        )
    check_shapes(data, groupdq=groupdq, pixeldq=pixeldq, readnoise=readnoise, gain=gain)
    integrations, groups, rows, columns = data.shape
    nothing = np.zeros((), np.float32)
    dark = np.broadcast_to(nothing, gain.shape) if dark_current is None else dark_current
    frames = np.broadcast_to(nothing, (integrations, rows, columns)) if zeroframe is None else zeroframe
    exposure, exposure_dq = np.empty((4, rows, columns), np.float32), np.empty((rows, columns), np.uint32)
    each, each_dq = np.empty((4, *frames.shape), np.float32), np.empty(frames.shape, np.uint32)
    width = min(max(TILE_INTEGRATIONS // integrations, NARROWEST), WIDEST)
    arrays = (data, groupdq, pixeldq, readnoise, gain, dark, frames, _table(groups), _network(groups - 1))
    _fit(*map(frozen, arrays), _settings(options, groups), width, exposure, exposure_dq, each, each_dq)
    return RampFit(exposure=_rates(exposure, exposure_dq), integrations=_rates(each, each_dq), segments=None)


def _rates(planes, flags):
    slope, var_poisson, var_rnoise, err = planes
    return Rates(slope=slope, dq=flags, var_poisson=var_poisson, var_rnoise=var_rnoise, err=err)


@functools.lru_cache(maxsize=8)
def _table(groups):
    return step_coefficients(groups, dtype=np.float32, device="cpu", xp=np)


@functools.lru_cache(maxsize=8)
def _network(steps):
    """Exchanges that bring the middle values of so many steps to their places: (exchange, 2)."""
    wanted = (max((steps - 1 - steps % 2) // 2, 0), steps // 2)
    pairs = [(low, high) for low, high, _, _ in selection_network(steps, *wanted)] if steps > 1 else []
    return np.array(pairs, np.int32).reshape(-1, 2)


def _settings(options, groups):
    timing = options.timing
    times = (timing.first_group_time, timing.frame_time, timing.group_time)
    return Settings(
        times=tuple(F(t) for t in times),
        ratios=tuple(F(t / timing.group_time) for t in times[:2]),
        frames_factor=F((2.0 * timing.frames) ** -0.5),
        first=0 if options.first_group is None else options.first_group,
        last=groups - 1 if options.last_group is None else options.last_group,
        suppress=options.suppress_one_group,
        restore=options.restore_charge_loss,
    )
