"""Rates and jumps found on simulated exposures of the five instruments, compared with the truth."""

import numpy as np
import pytest
from helpers.jump_truth import EXPOSURES, SIZES, score_jumps
from helpers.miri_parameters import steps
from stdatamodels.jwst import datamodels

from gpipe import dq, simulate
from gpipe.pipeline import Detector1Pipeline
from gpipe.quicklook import pulls

GAUSSIAN_ALARMS = 6.3e-5
"""Share of a normal distribution that is more than 4 standard deviations, the threshold, off its middle."""


@pytest.fixture(scope="module", params=EXPOSURES)
def calibrated(request, tmp_path_factory):
    """A simulated exposure, its rates by product, and the score of its jumps."""
    folder = tmp_path_factory.mktemp(request.param)
    config = EXPOSURES[request.param]
    exposure = simulate.write_exposure(config, folder)
    keywords = {"output_dir": str(folder), "save_calibrated_ramp": True, "configure_log": False}
    with simulate.write_cache([config], folder / "cache", full_frame=False).activated():
        Detector1Pipeline.call(exposure.path, steps=steps(config), **keywords)
    stem = str(exposure.path).removesuffix("_uncal.fits")
    with datamodels.open(f"{stem}_ramp.fits") as ramp:
        score = score_jumps(ramp.groupdq, ramp.pixeldq, exposure)
    recovered = {}
    for product in ("rate", "rateints"):
        with datamodels.open(f"{stem}_{product}.fits") as model:
            recovered[product] = pulls(model, np.broadcast_to(exposure.truth.rate, model.data.shape))
    return recovered, score


@pytest.mark.parametrize("product", ["rate", "rateints"])
def test_rates_scatter_about_the_truth_by_their_errors(calibrated, product):
    values = calibrated[0][product]
    assert values.size > 5000
    median = np.median(values)
    assert abs(median) < 0.05
    assert 0.95 < 1.4826 * np.median(np.abs(values - median)) < 1.10


def test_hits_are_found(calibrated):
    """As many, of each size, as stand out by more than the threshold when the noise is what the references say."""
    score = calibrated[1]
    assert np.all(score.injected > 20)
    missed = score.injected - score.expected
    assert np.all(score.found > score.expected - 3 * np.sqrt(missed + 1))
    obvious = np.asarray(SIZES[:-1]) >= 7
    assert np.all(score.completeness[obvious] > 0.99)


def test_quiet_samples_are_left_alone(calibrated):
    """The median of about ten differences has noise, which widens the distribution by 5 to 8 %.

    That takes the share beyond the threshold to 2 or 3 times that of a normal distribution.
    """
    score = calibrated[1]
    assert score.quiet > 100_000
    assert score.false_alarm_rate < 3 * GAUSSIAN_ALARMS


def test_small_hits_are_not_found_by_chance(calibrated):
    """A flag on everything would be complete, too: hits well below the threshold mostly stay."""
    assert calibrated[1].completeness[0] < 0.4


def test_rates_of_rows_that_are_read_again_in_a_frame(tmp_path):
    """Superstripes with a dark current that only a dark of the same read times removes."""
    config = simulate.ExposureConfig(
        detector="NRCB1",
        readpatt="RAPID",
        subarray="SUB64P_SUPSTP002",
        ngroups=4,
        nints=128,
        scene=simulate.Scene(background=2e5, density=0),
        pixels=simulate.DetectorEffects(dark_scale=1e7, hot_fraction=0),
        seed=5,
    )
    exposure = simulate.write_exposure(config, tmp_path)
    with simulate.write_cache([config], tmp_path / "cache", full_frame=False).activated():
        rate = Detector1Pipeline.call(exposure.path, configure_log=False)
    assert rate.meta.cal_step.dark_sub == "COMPLETE"
    # The jump step, as in jwst, takes the longer wait for the first read of a frame for a jump.
    values = ((rate.data - exposure.truth.rate) / rate.err)[(rate.dq & dq.DO_NOT_USE) == 0]
    assert values.size > 4000
    assert abs(np.median(values)) < 0.1
    assert 0.95 < values.std() < 1.10
