from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from helpers.emi_exposures import exposure, times, wave
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import interp1d

from gpipe.emicorr.joint import TRIALS, fit_wave, subtract_fitted_wave
from gpipe.emicorr.phase_sums import steady_pixels, sum_by_phase
from gpipe.emicorr.waveform_host import cubic_pieces

SHAPE = (2, 5, 10, 32)
FREQUENCY = 218.52


def small(shape=SHAPE, **changes):
    return exposure(shape, FREQUENCY, case="MASK1550", **{"samples": 12} | changes)


def subtract(it, **options):
    pieces = cubic_pieces(it.wave)
    return subtract_fitted_wave(it.data, it.pixeldq, pieces, readout=it.readout, period=it.period, **options)


def run(library, it, **options):
    options |= {"readout": it.readout, "period": it.period}
    return library.run(subtract_fitted_wave, it.data, it.pixeldq, cubic_pieces(it.wave), **options)


def spline(samples):
    n = len(samples)
    return interp1d((np.arange(n + 2) - 0.5) / n, [samples[-1], *samples, samples[0]], kind="cubic")


@cache
def plain_match():
    """Energy of the wave and its product with the ramps of `small`, at every trial phase, pixel by pixel."""
    it = small()
    integrations, groups, rows, columns = it.data.shape
    at, samples = spline(it.wave), len(it.wave)
    cycles = times(it.readout) / it.period
    lines = np.stack([np.ones(groups), np.arange(groups)], axis=1)
    project = np.eye(groups) - lines @ np.linalg.pinv(lines)
    scatter = it.data.astype(float).std(axis=1)
    good = (scatter < 2 * np.median(scatter)) & (it.pixeldq == 0)
    energy, product = np.zeros((TRIALS, integrations)), np.zeros((TRIALS, integrations))
    for trial in range(TRIALS):
        phases = [(k + 0.5) / samples + cycles[0, :, 0, 0] + trial / TRIALS for k in range(samples)]
        of_bin = [project @ at(phase % 1) for phase in phases]
        for i, r, c in np.ndindex(integrations, rows, columns):
            if good[i, r, c] and c // 4 not in (1, 2):
                w = of_bin[int(cycles[0, 0, r, c] % 1 * samples)]
                energy[trial, i] += w @ w
                product[trial, i] += w @ it.data[i, :, r, c]
    return energy, product


def plain(separately):
    """`small` without the wave that fits best."""
    it = small()
    energy, product = plain_match()
    cycles = times(it.readout) / it.period
    starts = cycles[:, 0, 0, 0]
    number = np.arange(len(starts))

    def at(place, part):
        index = np.ceil(np.round(place + starts * TRIALS, 6)).astype(int) % TRIALS
        return energy[index, number][part].sum(), product[index, number][part].sum()

    out = it.data.astype(float)
    for part in [[i] for i in number] if separately else [list(number)]:
        gain = [f**2 / e for e, f in (at(k, part) for k in range(TRIALS))]
        best = int(np.argmax(gain))
        before, top, after = gain[best - 1], gain[best], gain[(best + 1) % TRIALS]
        place = best + (after - before) / (2 * (2 * top - before - after))
        e, f = at(place, part)
        for i in part:
            out[i] -= f / e * spline(it.wave)((cycles[i] + place / TRIALS) % 1)
    return out


@pytest.mark.parametrize("separately", [False, True])
def test_fit_is_that_of_obvious_loops(library, request, separately):
    it = small()
    expected = plain(separately)
    out = run(library, it, separately=separately)
    assert out.dtype == np.float32
    # The gain at neighbouring trials differs in the fifth digit.
    tolerance = 0.1 if "no-float64" in request.node.callspec.id else 2e-3
    np.testing.assert_allclose(out, expected, atol=tolerance)
    assert np.std(out - it.data) > 5


@pytest.mark.parametrize("shape", [(1, 3, 16, 40), (3, 4, 16, 40), (1, 30, 12, 32)])
def test_interference_is_removed(library, shape):
    it = small(shape, noise=0.5, samples=64, rate=5.0)
    out = run(library, it)
    assert np.std(it.data - it.clean) > 5
    assert np.std(out - it.clean) < 0.2


def test_an_integration_with_another_phase_needs_a_fit_of_its_own():
    one, other = small(noise=0.3, samples=64, rate=2.0), small(noise=0.3, samples=64, rate=2.0, phase=0.6)
    mixed = replace(one, data=np.stack([one.data[0], other.data[1]]))
    assert np.std(subtract(mixed) - one.clean) > 2
    assert np.std(subtract(mixed, separately=True) - one.clean) < 0.2


def test_phase_at_the_end_of_the_cycle_is_refined_across_it(library):
    """Of the three trials that a parabola goes through, one is at the other end of the list."""
    it = small((1, 8, 16, 40), noise=0.2, samples=64, rate=2.0, phase=-0.4 / TRIALS)
    out = run(library, it)
    assert np.std(out - it.clean) < 0.2


def test_nan_stays_and_its_ramp_takes_no_part(library):
    it = small()
    holed, flagged = it.data.copy(), it.pixeldq.copy()
    holed[:, 2, 3, 5] = np.nan
    flagged[3, 5] = 1
    out = run(library, replace(it, data=holed))
    expected = run(library, replace(it, pixeldq=flagged))
    np.testing.assert_array_equal(np.isnan(out), np.isnan(holed))
    np.testing.assert_allclose(np.where(np.isnan(out), expected, out), expected, atol=0.05)


def test_nothing_is_subtracted_where_no_pixel_can_be_used(library):
    it = small()
    out = run(library, replace(it, pixeldq=np.ones_like(it.pixeldq)))
    np.testing.assert_array_equal(out, it.data)


def test_a_wave_that_all_groups_show_at_the_same_phase_stays(library):
    """It looks like bias: a frame takes 133 cycles of 64 clocks."""
    it = exposure((1, 5, 64, 72), 1562.5, samples=30)
    assert (it.readout.frame / it.period) % 1 == 0
    np.testing.assert_array_equal(run(library, it), it.data)


def test_a_constant_wave_is_none(library):
    it = small()
    np.testing.assert_array_equal(run(library, replace(it, wave=np.full(12, 1.1))), it.data)


def test_straight_ramps_stay(library):
    it = small()
    straight = np.broadcast_to(np.arange(5, dtype=np.float32)[:, None, None] * 7 + 100, SHAPE).copy()
    np.testing.assert_allclose(run(library, replace(it, data=straight)), straight, atol=1e-3)


def test_steady_pixels_scatter_less_than_twice_the_median(library):
    it = small((2, 6, 9, 16))
    data = it.data.copy()
    data[1, 3, 4, 5] += 1000
    data[0, 2, 7, 7] = np.nan
    found = library.run(steady_pixels, data, it.pixeldq)
    scatter = data.astype(float).std(axis=1)
    np.testing.assert_array_equal(found, (scatter < 2 * np.nanmedian(scatter)) & (it.pixeldq == 0))
    assert not found[1, 4, 5]
    assert not found[0, 7, 7]


@settings(max_examples=20, deadline=None)
@given(st.floats(-500, 500), st.floats(-50, 50))
def test_lines_that_are_added_to_all_ramps_change_nothing(level, rate):
    it = small((1, 6, 12, 32))
    line = (level + rate * np.arange(6))[:, None]
    sums, counts = sum_by_phase(it.data, np.ones((1, 12, 32), bool), it.readout.pixel_phases(it.period, it.data), 12)
    added = sums + counts[:, None, :] * line
    pieces = cubic_pieces(it.wave)
    options = {"readout": it.readout, "period": it.period, "separately": False}
    one, other = (fit_wave(x, counts, pieces, **options) for x in (sums, added))
    np.testing.assert_allclose(other.amplitudes, one.amplitudes, rtol=1e-6)
    np.testing.assert_allclose(other.phases, one.phases, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.5, 30), st.floats(0, 1))
def test_amplitude_and_phase_are_found_whatever_they_are(amplitude, phase):
    it = small((1, 8, 16, 40), noise=0.01, rate=0.5, samples=64, amplitude=amplitude, phase=phase)
    pixels = it.readout.pixel_phases(it.period, it.data)
    sums, counts = sum_by_phase(it.data, np.ones((1, 16, 40), bool), pixels, 64)
    fitted = fit_wave(sums, counts, cubic_pieces(wave(64)), readout=it.readout, period=it.period, separately=False)
    np.testing.assert_allclose(fitted.amplitudes, amplitude, rtol=0.02)
    assert abs((fitted.phases[0] - phase + 0.5) % 1 - 0.5) < 0.005
