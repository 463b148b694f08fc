"""Ramp fits: ``gpipe.ramp_fitting.fit.fit_ramps`` in one pass over the samples.

A tile is a stretch of columns of one row: inner loops run along it and its planes stay in the processor's cache. Each
function says which function of ``gpipe.ramp_fitting`` it repeats, in the same order of operations in float32, so that
results are the same numbers. Loops write to one or two arrays only: with more, LLVM gives up telling them apart and
does not vectorise.
"""

import functools

import numpy as np

from gpipe.arrays.masked_median import selection_network
from gpipe.kernels.cpu.arguments import frozen, in_place
from gpipe.kernels.cpu.by_rows import by_rows
from gpipe.kernels.cpu.compiling import helper, inlined, kernel
from gpipe.kernels.cpu.ramp_groups import (
    find_lone,
    find_only,
    find_segments,
    forget_replaced,
    ignore_jump,
    load_group,
    lone_time,
    suppress_only,
    take_steps,
    unite_flags,
)
from gpipe.kernels.cpu.ramp_plain import (
    NO_PATTERN,
    add_plain_information,
    add_plain_median,
    find_pattern,
    put_odd,
    sum_plain,
    take_odd,
)
from gpipe.kernels.cpu.ramp_rates import (
    add_information,
    begin_information,
    flag_rates,
    flag_saturated,
    know_pixels,
    noise_units,
    set_errors,
    set_poisson,
    set_read_noise,
    set_slopes,
    signal_limits,
)
from gpipe.kernels.cpu.ramp_restore import any_lost, restore_all
from gpipe.kernels.cpu.ramp_sums import (
    add_median,
    begin_sums,
    rank_steps,
    select_middle,
    sum_segments,
    weigh_steps,
)
from gpipe.kernels.cpu.ramp_tiles import (
    DO_NOT_USE,
    FEW,
    SATURATED,
    Fitted,
    Ramps,
    Settings,
    scratch,
)
from gpipe.kernels.cpu.tiles import F, clear
from gpipe.ramp_fitting.fit import RampFit, check_shapes
from gpipe.ramp_fitting.fit import fit_ramps as portable
from gpipe.ramp_fitting.rates import Rates
from gpipe.ramp_fitting.weights import step_coefficients

WIDEST, NARROWEST = 512, 64
TILE_INTEGRATIONS = 1 << 15


@inlined
def _read_integration(ramps, i, r, start, n, tile, kept, settings):
    """``prepare_groups`` of one integration."""
    count, data_at, dq_at = settings.groups, ramps.data_at, ramps.groupdq_at
    for k in range(count):
        outside = 0 if settings.first <= k <= settings.last else DO_NOT_USE
        load_group(
            ramps.data[data_at[0] + i, data_at[1] + k, data_at[2] + r, start : start + n],
            ramps.groupdq[dq_at[0] + i, dq_at[1] + k, dq_at[2] + r, start : start + n],
            outside,
            tile.values[k],
            tile.flags[k],
        )
    find_only(tile.flags, tile.waiting, tile.some, n)
    if settings.ignore_jump:
        ignore_jump(tile.flags[0], n)
    unite_flags(kept.seen[i], tile.flags, n)
    clear(kept.kind[i], n)
    if settings.suppress and count > 1:
        suppress_only(tile.flags, tile.waiting, tile.some, n)
    else:
        frame = ramps.zeroframe[i, r, start : start + n]
        find_lone(tile.values[0], tile.flags, frame, tile.waiting, kept.kind[i], n)
    if count == 1:
        forget_replaced(kept.kind[i], kept.seen[i], n)
    take_steps(tile.values, tile.steps, n)
    first, started = tile.flags[0], kept.started[i]
    for c in range(n):
        started[c] = (first[c] & SATURATED) == 0


@inlined
def _measure(i, n, tile, kept, pixels, few, table, network, settings):
    """Its first estimate of the rate and its sums over segments."""
    count = find_pattern(tile, kept.kind[i], n)
    kept.odds[i] = count
    where, rest, odd_tile, odd_kept, odd_pixels = i, n, tile, kept, pixels
    if count != NO_PATTERN:
        where, rest = 0, count
        odd_tile, odd_kept, odd_pixels = few
        take_odd(tile, kept.kind[i], pixels, odd_tile, odd_kept.kind[0], odd_pixels, count)
        add_plain_median(tile, kept.kind[i], network, settings.times, pixels.rate, n)
        sum_plain(tile, pixels.limits, table, kept.time[i], kept.signal[i], kept.reading[i], kept.photons[i], n)
        for k in range(tile.size.size):
            kept.size[i, k] = tile.size[k]
    if rest > 0:
        _measure_each(where, rest, odd_tile, odd_kept, odd_pixels, table, network, settings)
    if count > 0:
        put_odd(i, kept, pixels.rate, tile.odd, odd_kept, odd_pixels.rate, count)


@inlined
def _measure_each(i, n, tile, kept, pixels, table, network, settings):
    """The same of pixels with flags of their own each."""
    kind = kept.kind[i]
    rank_steps(tile.steps, tile.flags, tile.ranked, tile.waiting, tile.some, tile.number, n)
    select_middle(tile.ranked, network, n)
    add_median(
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
    find_segments(tile.flags, tile.place, length, n)
    weigh_steps(tile.steps, tile.place, length, pixels.limits, tile.number, tile.level, tile.places, n)
    time, signal, reading, photons = kept.time[i], kept.signal[i], kept.reading[i], kept.photons[i]
    lone_time(tile.flags, length, kind, settings.ratios, tile.waiting, time, n)
    begin_sums(tile.values, tile.flags, tile.waiting, time, signal, reading, photons, n)
    sum_segments(tile.steps, length, tile.places, table, signal, reading, photons, n)


@inlined
def _inform(i, n, kept, pixels, term, information):
    """How much is known of the rates of an integration."""
    unit_reading, unit_photons = pixels.unit_reading, pixels.unit_photons
    begin_information(kept.time[i], unit_reading, unit_photons, information)
    if kept.odds[i] == NO_PATTERN:
        add_information(kept.length[i], unit_reading, unit_photons, information)
    else:
        odd, lengths = kept.odd[i, : kept.odds[i]], kept.length[i]
        add_plain_information(
            kept.size[i], odd, lengths, kept.time[i], unit_reading, unit_photons, term, information, n
        )


@helper
def _rate_of(i, n, kept, pixels, group, rates, flags):
    """``integration_rates`` and ``exposure_rates``, all but the error and the flag of partial saturation."""
    unit_reading, unit_photons = pixels.unit_reading, pixels.unit_photons
    slope, var_poisson, var_rnoise, _ = rates
    flag_rates(pixels.quality, kept.seen[i], kept.started[i], kept.reading[i], flags)
    set_slopes(kept.signal[i], kept.reading[i], unit_reading, flags, group, slope)
    set_poisson(kept.photons[i], unit_photons, flags, var_poisson)
    set_read_noise(kept.reading[i], unit_reading, flags, var_rnoise)


@helper
def _add_up(kept, integrations, n):
    """Sums over the integrations, in the order of NumPy."""
    for total in (kept.signal, kept.reading, kept.photons):
        clear(total[integrations], n)
    clear(kept.seen[integrations], n)
    clear(kept.started[integrations], n)
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


@inlined
def _fit_tile(ramps, table, network, settings, r, start, n, tile, kept, pixels, few, fitted):
    pixeldq, readnoise, gain, dark = ramps.pixeldq, ramps.readnoise, ramps.gain, ramps.dark
    exposure, exposure_dq, integrations, integrations_dq = fitted
    count, group = integrations.shape[1], settings.times[2]
    part = slice(start, start + n)
    know_pixels(
        pixeldq[r, part],
        readnoise[r, part],
        gain[r, part],
        settings.frames_factor,
        pixels.quality,
        pixels.noise,
        pixels.gain,
    )
    signal_limits(pixels.noise, pixels.gain, pixels.limits, n)
    clear(pixels.rate, n)
    for i in range(count):
        _read_integration(ramps, i, r, start, n, tile, kept, settings)
        _measure(i, n, tile, kept, pixels, few, table, network, settings)
    noise_units(
        pixels.noise, pixels.gain, pixels.rate, F(count), dark[r, part], group, pixels.unit_reading, pixels.unit_photons
    )
    for i in range(count):
        flags, error = integrations_dq[i, r, part], integrations[3, i, r, part]
        rates = (integrations[0, i, r, part], integrations[1, i, r, part], integrations[2, i, r, part], error)
        _rate_of(i, n, kept, pixels, group, rates, flags)
        _inform(i, n, kept, pixels, tile.number, tile.other[:n])
        set_errors(tile.other, pixels.unit_reading, flags, error)
        flag_saturated(kept.seen[i], flags)
    _add_up(kept, count, n)
    flags, error = exposure_dq[r, part], exposure[3, r, part]
    var_poisson, var_rnoise = exposure[1, r, part], exposure[2, r, part]
    _rate_of(count, n, kept, pixels, group, (exposure[0, r, part], var_poisson, var_rnoise, error), flags)
    for c in range(n):
        error[c] = np.sqrt(var_poisson[c] + var_rnoise[c])
    flag_saturated(kept.seen[count], flags)
    if settings.restore and any_lost(kept.seen[count], n):
        flags, variances = integrations_dq[:, r, part], integrations[2, :, r, part]
        restore_all(
            ramps.groupdq, ramps.groupdq_at, r, start, n, tile, kept, pixels, settings, flags, variances, var_rnoise
        )


@kernel
def _fit(ramps, table, network, settings, width, fitted, first, last):
    integrations, groups = fitted.integrations.shape[1], settings.groups
    tile, kept, pixels = scratch(integrations, groups, width)
    few = scratch(1, groups, FEW)
    _fit_tiles(ramps, table, network, settings, width, tile, kept, pixels, few, fitted, first, last)


@helper
def _fit_tiles(ramps, table, network, settings, width, tile, kept, pixels, few, fitted, first, last):
    columns = ramps.pixeldq.shape[1]
    for r in range(first, last):
        for start in range(0, columns, width):
            n = min(width, columns - start)
            _fit_tile(ramps, table, network, settings, r, start, n, tile, kept, pixels, few, fitted)


def fit_ramps(data, groupdq, pixeldq, readnoise, gain, *, options, dark_current=None, zeroframe=None, workers=1):
    """See ``gpipe.ramp_fitting.fit.fit_ramps``, which fits if segments are asked for; ``workers`` share the rows."""
    if options.segments:
        return portable(
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
    planes = map(frozen, (pixeldq, readnoise, gain, dark, frames))
    ramps = Ramps(*in_place(data), *in_place(groupdq), *planes)
    known = map(frozen, (_table(groups), _network(groups - 1)))
    one = ramps, *known, _settings(options, groups), width, Fitted(exposure, exposure_dq, each, each_dq)
    by_rows(lambda first, last: _fit(*one, first, last), rows, workers)
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
        ignore_jump=options.ignore_first_jump,
        restore=options.restore_charge_loss,
        groups=groups,
    )
