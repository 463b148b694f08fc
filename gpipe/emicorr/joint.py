"""Interference of a known wave, fitted together with a straight line for each ramp."""

from dataclasses import dataclass

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, Namespace
from gpipe.emicorr.noise import subtract_noise
from gpipe.emicorr.phase_sums import steady_pixels, sum_by_phase
from gpipe.emicorr.readout import Readout, within_cycle
from gpipe.emicorr.waveform import wave_at

TRIALS = 500
"""Phases at which the fit is tried, evenly spaced."""
_LEAST_ENERGY = 1e-8
_LEAST_SHARE = 1e-7  # of the energy of the wave
_ROUNDING = 1e-6  # of the distance of two trials
_VALUES_AT_ONCE = 1 << 17


@dataclass(frozen=True)
class FittedWave:
    """Factor and phase (cycles, of the first pixel of the integration) of a wave, each (integration,)."""

    amplitudes: Array
    phases: Array


def subtract_fitted_wave(
    data: Array, pixeldq: Array, pieces: Array, *, readout: Readout, period: float, separately: bool = False
) -> Array:
    """Fit a wave of known shape and period to all ramps and subtract it.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN. Ramps with a NaN take no part in the fit; NaN stays NaN.
    pixeldq : uint32, (row, column). Pixels with any flag take no part in the fit.
    pieces : float32, (4, sample + 1), the wave, DN; see `wave_at`.
    readout : when each pixel is read.
    period : of the wave, clocks.
    separately : a factor and a phase for each integration, else one pair for all.

    Returns
    -------
    New data. The fit needs whole exposures, with ``separately`` too: which pixels are steady is a matter of all.

    Notes
    -----
    For each pixel y(g) = a + b g + c w(phase(g)), with c and the phase of w common to all: least squares over the
    pixels whose ramps scatter less than twice the median and that have no flag. The joint algorithm of
    https://jwst-pipeline.readthedocs.io/en/latest/jwst/emicorr/description.html
    """
    xp = array_namespace(data, pixeldq, pieces)
    pixels = readout.pixel_phases(period, data)
    usable = steady_pixels(data, pixeldq)
    sums, counts = sum_by_phase(data, usable, pixels, pieces.shape[1] - 1)
    fitted = fit_wave(sums, counts, pieces, readout=readout, period=period, separately=separately)
    starts = frame_starts(fitted.phases, readout, period)
    pixels, starts = (xp.astype(phase, data.dtype) for phase in (pixels, starts))
    return subtract_noise(data, pixels, starts, lambda phase: wave_at(phase, pieces), fitted.amplitudes)


def fit_wave(
    sums: Array, counts: Array, pieces: Array, *, readout: Readout, period: float, separately: bool
) -> FittedWave:
    """Find the factor and the phase at which the ramps are straightest.

    Parameters
    ----------
    sums : (integration, group, bin), DN; sums of ramps of which any constant may have been subtracted.
    counts : (integration, bin), numbers of ramps.
    pieces : (4, bin + 1), the wave.

    Notes
    -----
    With the straight lines projected out (P) of wave and ramps, chi square of factor c at phase p is
    c^2 E(p) - 2 c F(p) + constant, E = sum n |P w|^2 and F = sum (P w)(P y); so c = F / E, and the best p has the
    largest F^2 / E. It is tried on a grid and refined by the parabola through the best value and its neighbours. Phases
    between trials count as the next trial.
    """
    xp = array_namespace(sums, counts, pieces)
    energy, product = _match(sums, counts, pieces, readout.group_phases(period), xp=xp)
    places = [TRIALS * phase for phase in readout.integration_phases(period)]
    offsets = xp.asarray(places, dtype=sums.dtype, device=device(sums))
    least = _least_energy(counts, pieces, sums.shape[1], xp=xp)

    def of_fits(x: Array) -> Array:
        return x if separately else xp.sum(x, axis=1, keepdims=True)

    def at(place: Array) -> tuple[Array, Array, Array]:
        """Energy and product of each fit at a place, and whether the energy is enough for one."""
        found, seen = (of_fits(_at(x, place + offsets, xp=xp)) for x in (energy, product))
        return found, seen, found > of_fits(least)

    trials = xp.arange(TRIALS, dtype=sums.dtype, device=device(sums))[:, None]
    best = _best_trial(*at(trials), xp=xp)
    there, seen, enough = at(best[None, :])
    factors = xp.where(enough, seen / xp.where(enough, there, 1.0), 0.0)
    return FittedWave(xp.broadcast_to(factors[0, :], offsets.shape), within_cycle((best + offsets) / TRIALS))


def frame_starts(phases: Array, readout: Readout, period: float) -> Array:
    """Phase of the first pixel of each frame, (integration, group), from that of each integration."""
    xp = array_namespace(phases)
    groups = xp.asarray(readout.group_phases(period), dtype=phases.dtype, device=device(phases))
    return within_cycle(phases[:, None] + groups[None, :])


def _match(sums: Array, counts: Array, pieces: Array, groups: list[float], *, xp: Namespace) -> tuple[Array, Array]:
    """E and F of each integration with the wave at each trial phase, (trial, integration)."""
    place, wide = device(sums), sums.dtype
    bins, size = counts.shape[1], counts.shape[1] * len(groups)
    of_groups = xp.asarray(groups, dtype=wide, device=place)
    of_bins = (xp.arange(bins, dtype=wide, device=place) + 0.5) / bins
    template = xp.astype(within_cycle(of_groups[:, None] + of_bins[None, :]), pieces.dtype)
    trial_phases = xp.arange(TRIALS, dtype=pieces.dtype, device=place) / TRIALS
    ramps = xp.reshape(_without_line(sums, xp=xp), (-1, size))
    energies, products = [], []
    step = max(1, _VALUES_AT_ONCE // size)
    for start in range(0, TRIALS, step):
        trials = trial_phases[start : min(start + step, TRIALS)]
        wave = wave_at(within_cycle(template + trials[:, None, None]), pieces)
        products.append(xp.astype(xp.reshape(wave, (-1, size)), wide) @ ramps.T)
        bent = _without_line(wave, xp=xp)
        energies.append(xp.astype(xp.sum(bent * bent, axis=1), wide) @ counts.T)
    return xp.concat(energies), xp.concat(products)


def _least_energy(counts: Array, pieces: Array, groups: int, *, xp: Namespace) -> Array:
    """Energy below which a wave cannot be distinguished from straight lines, (1, integration).

    If a frame takes a whole number of cycles, all groups have the wave at the same phase, except for rounding.
    """
    off = pieces[-1, :] - xp.mean(pieces[-1, :])
    spread = xp.astype(xp.mean(off * off), counts.dtype)
    return _LEAST_ENERGY + _LEAST_SHARE * groups * spread * xp.sum(counts, axis=1)[None, :]


def _best_trial(energy: Array, product: Array, enough: Array, *, xp: Namespace) -> Array:
    """Interpolated index of the largest gain F^2 / E among the trials, (fit,); 0 if no trial has a gain."""
    gain = xp.where(enough, product * product / xp.where(enough, energy, 1.0), 0.0)
    best = xp.argmax(gain, axis=0, keepdims=True)
    before, top, after = (xp.take_along_axis(gain, (best + k) % TRIALS, axis=0) for k in (-1, 0, 1))
    curvature = 2.0 * top - before - after
    fraction = xp.where(curvature > 0, 0.5 * (after - before) / xp.where(curvature > 0, curvature, 1.0), 0.0)
    return (xp.astype(best, gain.dtype) + fraction)[0, :]


def _at(x: Array, place: Array, *, xp: Namespace) -> Array:
    """Values (trial, integration) at the trial that is at a place or next after it."""
    index = xp.astype(xp.ceil(place - _ROUNDING), xp.int64) % TRIALS
    return xp.take_along_axis(x, index, axis=0)


def _without_line(x: Array, *, xp: Namespace) -> Array:
    """Return residuals (…, group, bin) of fits of straight lines along the groups."""
    groups = x.shape[-2]
    time = xp.arange(groups, dtype=x.dtype, device=device(x))[:, None] - 0.5 * (groups - 1)
    slope = xp.sum(time * x, axis=-2, keepdims=True) / (groups * (groups * groups - 1) / 12)
    return x - xp.mean(x, axis=-2, keepdims=True) - slope * time
