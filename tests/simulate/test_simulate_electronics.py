import numpy as np
import pytest

from gpipe.datamodels.exposures.window import Window
from gpipe.simulate.detectors import DETECTORS
from gpipe.simulate.electronics import Drift, OneOverF, Readout
from gpipe.simulate.readout import FULL, ROW_OVERHEAD


@pytest.mark.parametrize("name", DETECTORS)
def test_the_first_pixel_read_lies_where_the_axes_say(name):
    sca, area = DETECTORS[name], Window(1, 1, 6, 4)
    readout = Readout(sca, area, 1)
    order = np.arange(24).reshape(readout.shape)
    science = readout.to_science(order)
    assert science.shape == (4, 6)
    next_in_row = np.argwhere(science == 1)[0] - np.argwhere(science == 0)[0]
    next_row = np.argwhere(science == readout.shape[1])[0] - np.argwhere(science == 0)[0]
    for step, axis in ((next_in_row, sca.fast), (next_row, sca.slow)):
        expected = [0, 0]
        expected[0 if abs(axis) == 2 else 1] = np.sign(axis)
        assert step.tolist() == expected


def test_noise_falls_as_one_over_frequency(rng):
    readout = Readout(DETECTORS["NRCB1"], Window(1, 1, 64, 2048), 1)
    noise = OneOverF(readout, 3.0, rng)
    power = np.mean([np.abs(np.fft.rfft(noise._stream())) ** 2 for _ in range(20)], axis=0)
    octaves = [slice(2**k, 2 ** (k + 1)) for k in range(3, 15)]
    frequency = [np.arange(len(power))[octave].mean() for octave in octaves]
    slope = np.polyfit(np.log(frequency), np.log([power[octave].mean() for octave in octaves]), 1)[0]
    assert slope == pytest.approx(-1, abs=0.05)


def test_noise_has_the_width_asked_for_and_no_mean(rng):
    noise = OneOverF(Readout(DETECTORS["NRCB1"], FULL, 4), 3.0, rng)
    frame = noise.frame()
    assert frame.dtype == np.float32
    assert frame.std() == pytest.approx(3.0, rel=0.05)
    streams = [noise._stream().mean() for _ in range(3)]
    np.testing.assert_allclose(streams, 0, atol=1e-4)


def test_outputs_share_half_of_the_noise_in_the_order_of_reading(rng):
    frame = OneOverF(Readout(DETECTORS["NRCB1"], Window(1, 1, 2048, 512), 4), 1.0, rng).frame()
    outputs = [frame[:, 512 * k : 512 * (k + 1)] for k in range(4)]
    in_time = [stripe if k % 2 == 0 else stripe[:, ::-1] for k, stripe in enumerate(outputs)]
    correlation = np.corrcoef([stripe.ravel() for stripe in in_time])
    np.testing.assert_allclose(correlation[np.triu_indices(4, 1)], 0.5, atol=0.2)


def test_a_row_ends_with_a_pause():
    readout = Readout(DETECTORS["NRS1"], Window(1, 1, 40, 32), 1)
    assert readout.shape == (40, 32)
    assert readout.row_length == 32 + ROW_OVERHEAD


def test_a_drift_moves_whole_outputs_and_their_odd_columns(rng):
    drift = Drift(Readout(DETECTORS["NRCB1"], FULL, 4), 1.0, 0.5, rng)
    before = drift.row()
    drift.advance(10.0)
    step = (drift.row() - before).reshape(4, 256, 2)
    assert np.ptp(step, axis=1).max() < 1e-4
    assert np.ptp(step[:, 0, 0]) > 0.01
    assert np.abs(step[:, 0, 1] - step[:, 0, 0]).min() > 0


def test_a_drift_grows_with_the_square_root_of_time():
    readout = Readout(DETECTORS["NRCB1"], Window(1, 1, 64, 64), 1)
    spread = []
    for seconds in (10.0, 90.0):
        drift = Drift(readout, 2.0, 0.0, np.random.default_rng(3))
        steps = [drift.row()[0]]
        for _ in range(2000):
            drift.advance(seconds)
            steps.append(drift.row()[0])
        spread.append(np.diff(steps).std())
    assert spread[0] == pytest.approx(2.0, rel=0.1)
    assert spread[1] == pytest.approx(6.0, rel=0.1)
