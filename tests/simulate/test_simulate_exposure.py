"""Statistics of simulated exposures."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.simulated import DARKNESS, IDEAL, QUIET, small
from stdatamodels.jwst import datamodels

from gpipe.simulate import DetectorEffects, NoiseEffects, Scene, make_exposure, write_exposure
from gpipe.simulate.response import linearize


def ramps(config):
    model, truth = make_exposure(config)
    with model:
        return np.array(model.data), truth


def test_variance_grows_with_signal_as_the_gain_says():
    config = small(nints=12, noise=replace(QUIET, photon_noise=True))
    data, truth = ramps(config)
    signal = np.diff(data.astype(float), axis=1)
    mean, variance = signal.mean(axis=0), signal.var(axis=0, ddof=1)
    steps = 1 / 6
    gain = mean.mean() / (variance.mean() - steps)
    assert gain == pytest.approx(truth.pixels.gain.mean(), rel=0.02)
    assert mean.mean() == pytest.approx(truth.rate.mean() * config.group_time, rel=1e-3)


def test_read_noise_is_that_of_the_detector():
    config = small(ngroups=30, scene=DARKNESS, noise=replace(QUIET, read_noise=1.0))
    data, truth = ramps(config)
    noise = data[0].astype(float).std(axis=0, ddof=1)
    assert np.sqrt((noise**2).mean() - 1 / 12) == pytest.approx(config.sca.read_noise / config.sca.gain, rel=0.01)
    assert data.mean() == pytest.approx(truth.pixels.bias.mean() - 0.5, abs=0.1)


def test_a_reset_leaves_an_offset_that_stays_for_the_integration():
    config = small(nints=40, ngroups=2, scene=DARKNESS, noise=replace(QUIET, ktc=40.0))
    data, truth = ramps(config)
    np.testing.assert_array_equal(data[:, 0], data[:, 1])
    offsets = data[:, 0].astype(float).std(axis=0, ddof=1) * truth.pixels.gain
    assert np.sqrt((offsets**2).mean()) == pytest.approx(40.0, rel=0.02)


def test_averaging_frames_lowers_read_noise_and_photon_noise_is_shared():
    noise = replace(QUIET, read_noise=1.0)
    single, averaged = (
        ramps(small(readpatt=name, ngroups=20, scene=DARKNESS, noise=noise))[0][0].astype(float).var(axis=0).mean()
        for name in ("RAPID", "MEDIUM8")
    )
    assert averaged == pytest.approx(single / 8, rel=0.05)


@pytest.mark.parametrize("readpatt", ["RAPID", "BRIGHT1", "SHALLOW4", "DEEP8"])
def test_groups_are_means_of_frames_at_their_times(readpatt):
    config = small(readpatt=readpatt, ngroups=3)
    data, truth = ramps(config)
    pattern = config.pattern
    for group in range(3):
        frames = group * pattern.frames_per_group + np.arange(pattern.nframes)
        seconds = config.frame_time * (frames + 1)
        expected = truth.pixels.bias + truth.rate * seconds.mean()
        difference = expected - data[0, group]
        assert difference.min() > -0.05
        assert difference.max() < 2.05


def test_each_frame_and_each_mean_are_cut_to_whole_numbers():
    config = small(readpatt="BRIGHT2", ngroups=1, scene=Scene(background=3e4, density=0))
    data, truth = ramps(config)
    times = config.frame_time * np.arange(1, 3)[:, np.newaxis, np.newaxis]
    frames = np.floor(truth.pixels.bias + truth.rate * times)
    slow = (frames[0] + frames[1]) // 2
    assert (data[0, 0] != slow).mean() < 1e-3


def test_reference_pixels_see_no_light_and_follow_the_drifts():
    noise = replace(QUIET, amplifier_drift=20.0, odd_even_drift=5.0)
    config = small(subarray="SUB160", noise=noise, pixels=DetectorEffects())
    data, truth = ramps(config)
    change = np.diff(data[0].astype(float), axis=0)
    lit = (truth.pixels.dq == 0) & (truth.pixels.sensitivity > 0)
    for parity in (0, 1):
        reference = change[:, truth.pixels.reference & (np.arange(160) % 2 == parity)]
        assert np.ptp(reference, axis=1).max() <= 1
        light = change[:, lit & (np.arange(160) % 2 == parity)].mean(axis=1) - reference.mean(axis=1)
        assert np.std(light) < 0.02 * light.mean()
    assert np.std(change[:, truth.pixels.reference].mean(axis=1)) > 0.5


def test_full_pixels_collect_no_more_and_are_known():
    config = small(ngroups=12, scene=Scene(background=4e5, density=0), pixels=replace(IDEAL, nonlinearity=True))
    data, truth = ramps(config)
    last = truth.pixels.saturation / 0.97
    first = truth.saturated_from[0]
    assert (first < 12).all()
    for group in range(12):
        np.testing.assert_array_equal(data[0, group] >= truth.pixels.saturation, group >= first)
    np.testing.assert_array_equal(data[0, -1], data[0, -2])
    assert (data[0, -1] <= last).all()


def test_the_converter_ends_at_65535():
    pixels = replace(IDEAL, seed=3)
    config = small(detector="NIS", readpatt="NISRAPID", subarray="SUB64", pixels=pixels, ngroups=3)
    config = replace(config, scene=Scene(background=1e7, density=0))
    data, truth = ramps(config)
    lit = ~truth.pixels.reference
    full = truth.pixels.bias + truth.pixels.well / truth.pixels.gain
    np.testing.assert_array_equal(data[0, -1][lit], np.minimum(full, 65535)[lit].astype(np.uint16))


def test_the_linearity_polynomial_recovers_the_signal():
    config = small(ngroups=8, scene=Scene(background=2e5, density=0), pixels=replace(IDEAL, nonlinearity=True))
    data, truth = ramps(config)
    seconds = config.frame_time * np.arange(1, 9)[:, np.newaxis, np.newaxis]
    straight = np.stack([linearize(group - truth.pixels.bias, truth.pixels.coefficients) for group in data[0]])
    expected = truth.rate * seconds
    assert (expected[-1] - (data[0, -1] - truth.pixels.bias)).min() > 500
    assert np.abs(straight + 0.5 - expected).max() < 0.8


def test_cosmic_rays_are_where_the_truth_says():
    config = small(subarray="SUB320", ngroups=6, nints=2, scene=DARKNESS, noise=replace(QUIET, cosmic_rays=2000.0))
    data, truth = ramps(config)
    hits = truth.cosmic_rays
    assert len(hits) > 300
    steps = np.zeros(data.shape)
    np.add.at(
        steps,
        (hits["integration"], hits["group"], hits["row"], hits["column"]),
        hits["electrons"] / truth.pixels.gain[hits["row"], hits["column"]],
    )
    expected = np.floor(truth.pixels.bias + steps.cumsum(axis=1))
    unsaturated = np.arange(6)[:, np.newaxis, np.newaxis] < truth.saturated_from[:, np.newaxis]
    assert np.abs(expected - data)[unsaturated].max() <= 1
    assert not truth.cosmic_rays["electrons"][truth.pixels.reference[hits["row"], hits["column"]]].size


def test_a_hit_in_dropped_frames_belongs_to_the_next_group():
    config = small(readpatt="DEEP8", ngroups=3, subarray="SUB160", scene=DARKNESS)
    data, truth = ramps(replace(config, noise=replace(QUIET, cosmic_rays=3000.0)))
    hits = truth.cosmic_rays
    share = np.bincount(hits["group"], minlength=3) / len(hits)
    frames = np.array([8, 20, 20])
    np.testing.assert_allclose(share, frames / frames.sum(), atol=0.05)
    steps = np.diff(data[0].astype(float), axis=0, prepend=truth.pixels.bias[np.newaxis].astype(float))
    np.testing.assert_array_equal(steps[hits["group"], hits["row"], hits["column"]] > -1.0, True)


def test_dark_current_adds_to_light_but_not_to_the_true_rate():
    pixels = replace(IDEAL, dark_scale=1e6)
    lit, truth = ramps(small(pixels=pixels, ngroups=2))
    dark, _ = ramps(small(pixels=pixels, ngroups=2, scene=DARKNESS))
    np.testing.assert_allclose(lit[0, 1] - dark[0, 1].astype(float), truth.rate * 2 * small().frame_time, atol=1.01)
    assert dark[0, 1].mean() - truth.pixels.bias.mean() > 50


def test_inter_pixel_capacitance_moves_signal_to_the_four_neighbours():
    scene = Scene(background=0, density=1 / 4096, faintest=1e6, brightest=1.0001e6, fwhm=0.5)
    alone, truth = ramps(small(scene=scene, ngroups=1))
    spread, _ = ramps(small(scene=scene, ngroups=1, pixels=replace(IDEAL, ipc=0.01)))
    signal = truth.rate * small().frame_time
    row, column = np.unravel_index(signal.argmax(), signal.shape)
    neighbours = sum(signal[row + y, column + x] for y, x in ((0, 1), (0, -1), (1, 0), (-1, 0)))
    change = spread[0, 0, row, column] - float(alone[0, 0, row, column])
    assert change == pytest.approx(-0.04 * signal[row, column] + 0.01 * neighbours, rel=0.02)


def test_the_zero_frame_is_the_first_frame(tmp_path):
    config = small(readpatt="SHALLOW4", nints=2, ngroups=2, zero_frame=True, noise=NoiseEffects())
    with datamodels.open(write_exposure(config, tmp_path).path) as model:
        assert model.zeroframe.shape == (2, 64, 64)
        assert model.zeroframe.dtype == np.uint16
        assert model.meta.exposure.zero_frame is True
        lag = model.data[:, 0].astype(float) - model.zeroframe
    assert lag.mean() == pytest.approx(2e4 / config.sca.gain * 1.5 * config.frame_time, rel=0.05)


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others():
    config = small(noise=NoiseEffects(), pixels=DetectorEffects(), nints=2)
    (one, truth), (again, same), (other, _) = (ramps(c) for c in (config, config, replace(config, seed=2)))
    np.testing.assert_array_equal(one, again)
    np.testing.assert_array_equal(truth.cosmic_rays, same.cosmic_rays)
    assert (one != other).mean() > 0.5


def test_the_same_seed_gives_the_same_file(tmp_path):
    config = small(noise=NoiseEffects())
    first, second = (write_exposure(config, tmp_path / name).path for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_the_header_describes_the_exposure(tmp_path):
    config = small(readpatt="SHALLOW4", nints=3, ngroups=4, filter="F150W")
    exposure = write_exposure(config, tmp_path / "new" / "folder")
    assert exposure.path.name == "jw00001001001_01101_00001_nrcb1_uncal.fits"
    with datamodels.open(exposure.path) as model:
        assert isinstance(model, datamodels.Level1bModel)
        assert model.data.shape == (3, 4, 64, 64)
        meta, frame = model.meta, config.frame_time
        assert meta.instrument.instance["filter"] == "F150W"
        assert meta.exposure.group_time == pytest.approx(5 * frame)
        assert meta.exposure.integration_time == pytest.approx(19 * frame)
        assert (meta.exposure.nframes, meta.exposure.groupgap, meta.exposure.frame_divisor) == (4, 1, 4)
        assert (meta.subarray.xstart, meta.subarray.ystart) == (1851, 1817)
        assert len(model.group) == 12
        ends = np.diff(model.group["bary_end_time"].reshape(3, 4), axis=1) * 86400
        np.testing.assert_allclose(ends, 5 * frame, atol=1e-4)
        starts, stops = model.int_times["int_start_MJD_UTC"], model.int_times["int_end_MJD_UTC"]
        np.testing.assert_allclose((stops - starts) * 86400, 19 * frame, atol=1e-4)
