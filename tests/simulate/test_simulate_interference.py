"""MIRI's electromagnetic interference."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.simulated import DARKNESS, QUIET, mid_infrared
from stdatamodels.jwst import datamodels

from gpipe.simulate import make_exposure, write_cache
from gpipe.simulate.interference import WAVES, waves

STRONG = replace(QUIET, interference=50.0)


def streams(config):
    """Return the reads of the outputs and of the reference output, less their means, and their times in seconds."""
    model, truth = make_exposure(config)
    with model:
        data = model.data - truth.pixels.bias
        refout = model.refout.astype(float)
    outputs = data.reshape(*data.shape[:-1], -1, 4)
    rows, columns = np.arange(data.shape[2])[:, np.newaxis], np.arange(outputs.shape[3])
    frame = np.arange(data.shape[0])[:, np.newaxis] * (config.ngroups + 1) + np.arange(config.ngroups)
    clocks = frame[:, :, np.newaxis, np.newaxis] * config.clocks.frame + rows * config.clocks.row + columns
    return outputs, refout, 1e-5 * clocks


def amplitude(values, times, frequency):
    turn = 2 * np.pi * frequency * times
    design = np.stack([np.sin(turn).ravel(), np.cos(turn).ravel()], axis=1)
    return np.hypot(*np.linalg.lstsq(design, values.ravel(), rcond=None)[0])


def test_all_outputs_show_the_same_waves_at_the_same_time():
    outputs, refout, _ = streams(mid_infrared(nints=2, scene=DARKNESS, noise=STRONG))
    assert np.ptp(outputs, axis=-1).max() <= 2
    assert np.ptp(outputs.mean(axis=-1) - refout) <= 3
    assert outputs.std() > 100


@pytest.mark.parametrize("subarray", ["SUB64", "SLITLESSPRISM"])
def test_waves_keep_time_through_frames_and_resets(subarray):
    outputs, _, times = streams(mid_infrared(subarray=subarray, nints=3, ngroups=8, scene=DARKNESS, noise=STRONG))
    for name in waves(subarray):
        found = amplitude(outputs[..., 0], times, WAVES[name].frequency)
        assert found == pytest.approx(50 * WAVES[name].amplitude, rel=0.05)
    unseen = set(WAVES) - set(waves(subarray))
    assert all(amplitude(outputs[..., 0], times, WAVES[name].frequency) < 10 for name in unseen)


def test_each_exposure_starts_at_a_phase_of_its_own():
    one, other = (streams(mid_infrared(seed=seed, scene=DARKNESS, noise=STRONG))[0] for seed in (1, 2))
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.95


def test_the_reference_holds_waves_and_clocks(tmp_path):
    short, long = (mid_infrared(detector=f"MIRIFU{name}", subarray="FULL", ngroups=1) for name in ("SHORT", "LONG"))
    cache = write_cache([short, long], tmp_path, full_frame=False)
    with datamodels.EmiModel(cache.reference("MIRI", "emicorr")) as model:
        for name, wave in WAVES.items():
            described = getattr(model.frequencies, name)
            assert described.frequency == wave.frequency
            found = np.array(described.phase_amplitudes)
            np.testing.assert_allclose(found[100], wave.at(100.5 / 500))
            assert np.abs(found.mean()) < 1e-10
        cases = model.subarray_cases
        assert (cases.SUB64.rowclocks, cases.SUB64.frameclocks) == (28, 8512)
        assert (cases.FULL_SLOW.rowclocks, cases.FULL_SLOW.frameclocks) == (2333, 2388992)
        assert list(cases.BRIGHTSKY.freqs.FAST) == ["Hz390", "Hz218", "Hz10"]
        assert list(cases.FULL_SLOW.freqs.SLOW.MIRIFULONG) == ["Hz10"]
