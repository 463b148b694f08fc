"""Stripes hold the pixels of the detector lines that their keywords name."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.simulated import DARKNESS, IDEAL, QUIET

from gpipe.datamodels import Window
from gpipe.exceptions import ParameterError
from gpipe.simulate import ExposureConfig, NoiseEffects, Scene, make_exposure
from gpipe.simulate.pixels import make_pixels

DARK = {"noise": QUIET, "pixels": IDEAL, "scene": DARKNESS, "ngroups": 1}
DHS = ExposureConfig(detector="NRCA1", readpatt="RAPID", subarray="SUB164STRIPE4_DHS", **DARK)
SOSS = ExposureConfig(detector="NIS", readpatt="NISRAPID", subarray="SUB204STRIPE_SOSS", nints=20, **DARK)
BRIGHT = DARK | {"scene": Scene(background=2e5, density=0), "ngroups": 2}
REPEATS = ExposureConfig(detector="NRCB1", readpatt="RAPID", subarray="SUB64P_SUPSTP002", nints=64, **BRIGHT)
# Rows of the array in the order of reading: a reference row before each repeat, towards lower rows.
REFERENCE_ROWS, LIT_ROWS = [7, 5, 3, 1], [6, 4, 2, 0]


def bias_of(config, window):
    return make_pixels(config.sca, window, config.pixels).bias


def test_stripes_of_a_frame():
    model, truth = make_exposure(DHS)
    bias = bias_of(DHS, Window(1, 1, 2048, 2048))
    assert model.data.shape == (1, 1, 164, 2048)
    for row, line in ((0, 0), (1, 1527), (40, 1566), (41, 0), (42, 1652), (163, 1527 + 3 * 125 + 39)):
        np.testing.assert_allclose(model.data[0, 0, row], bias[line], atol=1)
    assert truth.rate.shape == (164, 2048)
    subarray = model.meta.subarray
    assert (subarray.multistripe_reads1, subarray.multistripe_skips1, subarray.num_superstripe) == (1, 1526, 0)


def test_each_integration_of_a_superstripe_sees_the_next_columns():
    model, truth = make_exposure(SOSS)
    bias = bias_of(SOSS, Window(1, 1793, 2048, 256))
    assert model.data.shape == (20, 1, 256, 208)
    for integration in (0, 3, 13):
        first = 2048 - 4 - 204 * (integration % 10 + 1)
        np.testing.assert_allclose(model.data[integration, 0, :, :204], bias[:, first : first + 204], atol=1)
        np.testing.assert_allclose(model.data[integration, 0, :, 204:], bias[:, 2044:], atol=1)
    assert truth.rate.shape == (256, 2048)


def test_integrations_must_be_whole_superstripes():
    with pytest.raises(ParameterError, match="nints=19: expected a multiple of the 10 superstripes"):
        make_exposure(replace(SOSS, nints=19))


def in_time(ramps):
    """Superstripe, reading and column of the lit pixels; ``ramps``: (superstripe, group, row, column)."""
    return ramps[:, :, LIT_ROWS].reshape(len(ramps), -1, ramps.shape[-1])


def test_repeats_in_a_frame_show_the_charge_of_their_time():
    model, truth = make_exposure(REPEATS)
    assert model.data.shape == (64, 2, 8, 64)
    row = 76e-5  # seconds: 64 pixels and a pause of 12
    times = [4 * row, 6 * row, 8 * row, 10 * row]
    assert REPEATS.repeat_times == pytest.approx(times)
    bias = bias_of(REPEATS, Window(1851, 1817, 64, 64))[::-1]
    seconds = np.array([*times, *(10 * row + time for time in times)])
    expected = bias[:, None, :] + truth.rate[::-1, None, :] * seconds[:, None]
    np.testing.assert_allclose(in_time(model.data), expected, atol=1)
    dark = bias_of(REPEATS, Window(1851, 2046, 64, 1))
    np.testing.assert_allclose(model.data[:, :, REFERENCE_ROWS], np.broadcast_to(dark, (64, 2, 4, 64)), atol=1)
    assert truth.rate.shape == (64, 64)


def test_repeats_share_what_a_reset_and_a_particle_leave():
    dark = replace(REPEATS, scene=DARKNESS, noise=replace(QUIET, ktc=300))
    without = in_time(make_exposure(dark)[0].data).astype(int)
    assert (np.ptp(without, axis=1) == 0).all()
    assert without.std() > 100
    model, truth = make_exposure(replace(dark, noise=NoiseEffects(**vars(QUIET) | {"cosmic_rays": 3e5})))
    hits = truth.cosmic_rays
    assert set(hits["row"]) == set(LIT_ROWS)
    assert set(hits["group"]) == {0, 1}
    gained = np.diff(in_time(model.data).astype(int), axis=1)
    assert gained.min() >= 0
    reading = hits["group"] * 4 + (6 - hits["row"]) // 2
    later = hits[reading > 0]
    arrived = np.zeros(gained.shape)
    np.add.at(arrived, (later["integration"], reading[reading > 0] - 1, later["column"]), later["electrons"])
    gain = make_pixels(REPEATS.sca, Window(1851, 1817, 64, 64), REPEATS.pixels).gain[::-1]
    np.testing.assert_allclose(gained, arrived / gain[:, None, :], atol=1.01)
