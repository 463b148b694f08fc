import warnings

import numpy as np
import pytest
from astropy.stats import sigma_clipped_stats
from helpers.emi_exposures import CLOCKS, exposure, times, wave
from hypothesis import example, given
from hypothesis import strategies as st

from gpipe.emicorr.readout import Readout
from gpipe.emicorr.remainder import remaining_signal
from gpipe.emicorr.sequential import SequentialSettings, noise_table, stretch, subtract_found_wave

FREQUENCY = 2185.2  # a cycle has 45.8 clocks
SHAPE = (2, 7, 24, 40)


def small(shape=SHAPE, **changes):
    return exposure(shape, FREQUENCY, **{"samples": 12} | changes)


def run(library, it, reference=None, **settings):
    options = {"readout": it.readout, "period": it.period, "settings": SequentialSettings(**settings)}
    wave = None if reference is None else reference.astype(np.float32)
    return library.run(subtract_found_wave, it.data, wave, **options)


def plain_remainder(ramps):
    """Subtract rates and bias, pixel by pixel."""
    groups, rows, columns = ramps.shape
    inner = np.arange(1, groups - 1)
    flat = np.empty(ramps.shape)
    for r, c in np.ndindex(rows, columns):
        slope = np.polyfit(inner, ramps[1:-1, r, c].astype(float), 1)[0]
        straight = ramps[:, r, c] - slope * np.arange(groups)
        bias = np.median(straight[1:-1]) if groups > 4 else np.min(straight[1:-1])
        flat[:, r, c] = straight - bias
    mean = flat.reshape(groups, rows, -1, 4).mean(axis=3)
    mean[..., 1] = mean[..., 2] = (mean[..., 0] + mean[..., 3]) / 2
    return mean - np.median(mean, axis=(1, 2), keepdims=True)


def plain_wave(it, integrations, count):
    signal = np.stack([plain_remainder(it.data[i]) for i in range(integrations)])
    phase = (times(it.readout)[:integrations, ..., ::4] / it.period) % 1
    means = []
    for k in range(count):
        inside = (phase > k / count) & (phase <= (k + 1) / count)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            means.append(sigma_clipped_stats(signal[inside])[0])
    return np.array(means) - np.median(means)


def plain_stretch(x, length):
    return np.array([x[int(k * len(x) / length)] for k in range(int(np.ceil(length)))])


def plain_table(found, reference, period, scale):
    if reference is None:
        return plain_stretch(found, period)
    like_reference = plain_stretch(found, len(reference))
    match = [np.corrcoef(np.roll(reference, k), like_reference)[0, 1] for k in range(len(reference))]
    moved = plain_stretch(np.roll(reference, int(np.argmax(match))), period)
    return moved * (np.polyfit(moved, plain_stretch(found, period), 1)[0] if scale else 1)


def plain(it, reference=None, *, integrations, count, scale=True):
    found = plain_wave(it, integrations, count)
    table = plain_table(found, reference, it.period, scale)
    cycles = (times(it.readout) / it.period) % 1
    return it.data - table[np.floor(cycles * it.period + 1e-6).astype(int)], found


@pytest.mark.parametrize(
    ("reference", "settings", "integrations", "count"),
    [
        (None, {}, 1, 22),
        (wave(12), {}, 1, 22),
        (wave(37), {"scale_reference": False}, 1, 22),
        (wave(12), {"use_n_cycles": None, "nbins": 9}, 2, 9),
        (None, {"nints_to_phase": 2}, 2, 22),
    ],
    ids=["own-wave", "reference", "reference-unscaled", "all-integrations", "two-integrations"],
)
def test_the_wave_is_that_of_obvious_loops(library, reference, settings, integrations, count):
    it = small()
    scale = settings.get("scale_reference", True)
    expected, found = plain(it, reference, integrations=integrations, count=count, scale=scale)
    out = run(library, it, reference, **settings)
    assert out.data.dtype == np.float32
    np.testing.assert_allclose(out.wave, found, atol=0.01)
    np.testing.assert_allclose(out.data, expected, atol=0.01)
    assert np.std(out.data - it.data) > 0.5


@pytest.mark.parametrize("groups", [4, 5, 12])
def test_what_remains_of_ramps(library, groups):
    ramps = small((1, groups, 6, 24)).data[0]
    out = library.run(remaining_signal, ramps)
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, plain_remainder(ramps), atol=0.02)


def test_nan_in_a_ramp_leaves_its_columns_out(library):
    ramps = small((1, 6, 5, 24)).data[0]
    holed = ramps.copy()
    holed[2, 3, 17] = np.nan
    holed[0, 1, 20] = np.nan
    out, whole = library.run(remaining_signal, holed), library.run(remaining_signal, ramps)
    missing = np.zeros(out.shape, bool)
    missing[:, 3, 4] = missing[0, 1, 5] = True
    np.testing.assert_array_equal(np.isnan(out), missing)
    np.testing.assert_allclose(out[~missing], whole[~missing], atol=0.3)


def test_interference_is_removed_and_nan_stays(library):
    it = exposure((1, 12, 64, 72), 390.625, noise=0.5, rate=2.0, samples=128)
    it.data[0, 4, 30, 30] = np.nan
    for reference in (None, it.wave):
        out = run(library, it, reference).data
        np.testing.assert_array_equal(np.isnan(out), np.isnan(it.data))
        assert np.nanstd(it.data - it.clean) > 5
        assert np.nanstd(out - it.clean) < 1.5


@pytest.mark.parametrize("reference", [None, wave(12)])
@pytest.mark.parametrize("scale_reference", [True, False])
def test_nothing_is_subtracted_where_phases_are_missing(library, reference, scale_reference):
    it = exposure(SHAPE, 2500.0)  # pixels are read at forty phases
    out = run(library, it, reference, nbins=90, scale_reference=scale_reference)
    assert np.isnan(out.wave).all()
    np.testing.assert_array_equal(out.data, it.data)


def test_a_constant_reference_is_no_wave(library):
    it = small()
    np.testing.assert_array_equal(run(library, it, np.ones(12)).data, it.data)


def test_phases_of_whole_clocks_fall_into_the_bin_that_they_end(library):
    """Rounding of float32 or float64 must not decide: the period is 40 clocks, bins are two clocks wide."""
    it = exposure((1, 5, 40, 48), 2500.0, noise=0.0, rate=0.0, samples=20)
    it.data[...] = 0
    clock = times(it.readout) % 40
    signal = np.broadcast_to(np.where(np.isin(clock, (9, 10)), 4.0, 0.0), it.data.shape)
    # Group by group: a signal that is the same in all groups counts as bias.
    it.data[0, ::2] = signal[0, ::2]
    found = run(library, it).wave
    assert found.argmax() == 4
    assert np.count_nonzero(found > 0.1) == 1


@given(st.integers(2, 300), st.floats(2, 3000))
@example(228, 100.0)  # 228 / 100 is rounded down
def test_stretching_repeats_or_leaves_out_samples(size, length):
    x = np.arange(size, dtype=float)
    out = stretch(x, length)
    assert len(out) == np.ceil(length)
    assert out[0] == 0
    assert (np.diff(out) >= 0).all()
    assert out[-1] == size - 1 or length < size


@given(st.integers(0, 36))
def test_a_reference_is_moved_to_where_the_wave_is(shift):
    table = noise_table(3 * np.roll(wave(37), shift), wave(37), period=37.0, scale=True)
    np.testing.assert_allclose(table, 3 * np.roll(wave(37), shift), atol=1e-9)


@pytest.mark.parametrize(
    ("settings", "period", "integrations"),
    [
        ({}, 9961.0, 1),
        ({}, 60000.0, 5),
        ({"use_n_cycles": 1}, 60000.0, 2),
        ({"use_n_cycles": None}, 256.0, 7),
        ({"nints_to_phase": 3}, 60000.0, 3),
        ({"nints_to_phase": 30}, 60000.0, 7),
        ({"use_n_cycles": 1000}, 9961.0, 7),
    ],
)
def test_integrations_that_the_wave_is_found_in(settings, period, integrations):
    readout = Readout(shape=(7, 5, 64, 72), clocks=CLOCKS["SUB64"], samples=1, resets=True)
    assert SequentialSettings(**settings).integrations(readout, period) == integrations


@pytest.mark.parametrize(
    ("nbins", "period", "count"),
    [(None, 256.0, 128), (None, 9960.9, 500), (501, 256.0, 501), (502, 256.0, 500), (9, 256.0, 9)],
)
def test_number_of_bins(nbins, period, count):
    assert SequentialSettings(nbins=nbins).bins(period) == count
