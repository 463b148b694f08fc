"""Ramp fits: rates, variances and errors of a tile from its sums."""

import numpy as np

from gpipe import dq
from gpipe.kernels.cpu.compiling import helper
from gpipe.kernels.cpu.ramp_tiles import (
    DO_NOT_USE,
    FOUR,
    LEVELS,
    ONE,
    SATURATED,
    SIX,
    TWELVE,
    ZERO,
)
from gpipe.kernels.cpu.tiles import NAN, F
from gpipe.ramp_fitting.groups import UNUSABLE
from gpipe.ramp_fitting.rates import HANDED_ON
from gpipe.ramp_fitting.variances import LARGE_VARIANCE, TINY
from gpipe.ramp_fitting.weights import SIGNAL_TO_NOISE

LARGE, SMALLEST = F(LARGE_VARIANCE), F(TINY)
LINEAR = np.array([0.5 * s * s for s in SIGNAL_TO_NOISE], np.float32)
ROOTED = np.array([0.5 * s for s in SIGNAL_TO_NOISE], np.float32)
SQUARED = np.array([s * s for s in SIGNAL_TO_NOISE], np.float32)
NO_GAIN = dq.NO_GAIN_VALUE | dq.DO_NOT_USE


@helper
def know_pixels(pixeldq, readnoise, gain, frames_factor, quality, noise, known):
    """``pixel_quality``, and electrons of read noise in one group."""
    for c in range(gain.size):
        bad = not gain[c] > ZERO
        quality[c] = pixeldq[c] | (NO_GAIN if bad else 0)
        known[c] = ONE if bad else gain[c]
    for c in range(gain.size):
        noise[c] = readnoise[c] * known[c] * frames_factor


@helper
def signal_limits(noise, gain, limits, n):
    for s in range(LEVELS):
        limit = limits[s]
        for c in range(n):
            limit[c] = (LINEAR[s] + ROOTED[s] * np.sqrt(SQUARED[s] + FOUR * noise[c] * noise[c])) / gain[c]


@helper
def noise_units(noise, gain, rate, integrations, dark, group, unit_reading, unit_photons):
    """``noise_units`` from the sum of the rates of the integrations."""
    for c in range(dark.size):
        per_group = noise[c] / (gain[c] * group)
        unit_reading[c] = TWELVE * per_group * per_group
    for c in range(dark.size):
        mean = rate[c] / integrations
        flux = mean if mean > ZERO else ZERO
        unit_photons[c] = (flux + dark[c]) / (gain[c] * group)


@helper
def flag_rates(quality, seen, started, reading, flags):
    for c in range(flags.size):
        bits = quality[c] | (seen[c] & HANDED_ON)
        flags[c] = bits | (0 if reading[c] > ZERO else DO_NOT_USE) | (SATURATED if started[c] == 0 else 0)


@helper
def set_slopes(signal, reading, unit_reading, flags, group, slope):
    for c in range(slope.size):
        known = unit_reading[c] > ZERO and (flags[c] & UNUSABLE) == 0
        value = signal[c] / (group * (reading[c] if reading[c] > ZERO else ONE))
        slope[c] = value if known else NAN


@helper
def set_read_noise(reading, unit_reading, flags, variance):
    for c in range(variance.size):
        some = reading[c] > ZERO
        value = unit_reading[c] / (reading[c] if some else ONE)
        known = some and not value >= LARGE and (flags[c] & UNUSABLE) == 0
        variance[c] = value if known else ZERO


@helper
def set_poisson(photons, unit_photons, flags, variance):
    for c in range(variance.size):
        some = photons[c] > ZERO
        value = unit_photons[c] / (photons[c] if some else ONE)
        known = some and value > ZERO and value < LARGE and (flags[c] & UNUSABLE) == 0
        variance[c] = value if known else ZERO


@helper
def begin_information(time, unit_reading, unit_photons, information):
    """``combined_error``: of lone groups."""
    for c in range(information.size):
        reading = unit_reading[c] if unit_reading[c] > ZERO else SMALLEST
        information[c] = SIX * time[c] * time[c] / (SIX * time[c] * unit_photons[c] + reading)


@helper
def add_information(length, unit_reading, unit_photons, information):
    """``combined_error``: of segments."""
    for k in range(length.shape[0] - 1):
        size = length[k]
        for c in range(information.size):
            reading = unit_reading[c] if unit_reading[c] > ZERO else SMALLEST
            moment = size[c] * (size[c] + ONE)
            information[c] += moment / (moment * unit_photons[c] + reading)


@helper
def set_errors(information, unit_reading, flags, error):
    """``combined_error``."""
    for c in range(error.size):
        variance = ZERO if information[c] == ZERO else ONE / information[c]
        missing = variance < ZERO or unit_reading[c] != unit_reading[c]
        value = NAN if missing else np.sqrt(variance)
        error[c] = ZERO if variance > LARGE or (flags[c] & UNUSABLE) else value


@helper
def flag_saturated(seen, flags):
    for c in range(flags.size):
        flags[c] |= seen[c] & SATURATED
