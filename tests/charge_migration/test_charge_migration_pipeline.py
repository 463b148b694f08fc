"""Benefit of the step: rates of bright pixels and of their neighbours when charge migrates."""

import numpy as np
import pytest

from gpipe import simulate
from gpipe.pipeline import Detector1Pipeline
from gpipe.simulate import DetectorEffects, ExposureConfig, NoiseEffects, Scene

BRIGHTER_FATTER = ExposureConfig(
    detector="NIS",
    readpatt="NISRAPID",
    subarray="SUB128",
    exp_type="NIS_AMI",
    ngroups=20,
    noise=NoiseEffects(one_over_f=0.1, amplifier_drift=0.3, odd_even_drift=0.1),
    scene=Scene(background=300, density=4e-3, faintest=6e4, brightest=2.5e5),
    pixels=DetectorEffects(charge_migration=0.3),
)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("migration")
    exposure = simulate.write_exposure(BRIGHTER_FATTER, folder)
    return exposure, simulate.write_cache([BRIGHTER_FATTER], folder / "cache", full_frame=False)


def rates(simulated, tmp_path, **parameters):
    with simulated[1].activated():
        steps = {"charge_migration": parameters}
        result = Detector1Pipeline.call(simulated[0].path, steps=steps, configure_log=False)
    return result.data, result.meta.cal_step.charge_migration


def excess(data, truth, chosen):
    chosen = chosen & np.isfinite(data) & (truth > 0)
    return np.median(data[chosen] / truth[chosen] - 1)


def test_bright_pixels_and_their_neighbours_get_their_rates_back(simulated, tmp_path):
    truth = simulated[0].truth.rate
    signal = truth * BRIGHTER_FATTER.integration_time
    bright = signal > 25000
    beside = np.zeros_like(bright)
    beside[1:], beside[:, 1:] = bright[:-1], bright[:, :-1]
    beside &= signal < 16000
    assert min(np.count_nonzero(bright), np.count_nonzero(beside)) > 5

    without, status = rates(simulated, tmp_path)
    assert status == "SKIPPED"
    assert excess(without, truth, bright) < -0.05
    assert excess(without, truth, beside) > 0.01

    corrected, status = rates(simulated, tmp_path, skip=False, signal_threshold=14000)
    assert status == "COMPLETE"
    assert abs(excess(corrected, truth, bright)) < 0.01
    assert abs(excess(corrected, truth, beside)) < 0.01
