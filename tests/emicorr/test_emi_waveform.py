import numpy as np
import pytest
from helpers.emi_exposures import wave
from scipy.interpolate import interp1d

from gpipe.emicorr.waveform import wave_at
from gpipe.emicorr.waveform_host import cubic_pieces


@pytest.mark.parametrize("samples", [2, 5, 64, 229])
def test_the_wave_is_a_cubic_spline_through_its_samples(library, rng, samples):
    values = rng.normal(0, 1, samples)
    places = (np.arange(samples + 2) - 0.5) / samples
    expected = interp1d(places, np.concatenate([values[-1:], values, values[:1]]), kind="cubic")
    phase = np.concatenate([[0.0], rng.random(500), [np.nextafter(np.float32(1), np.float32(0))]]).astype(np.float32)
    found = library.run(wave_at, phase.reshape(2, -1), cubic_pieces(values))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.ravel(), expected(phase), atol=1e-4)


def test_samples_are_in_the_middle_of_their_share_of_the_cycle(library):
    phase = ((np.arange(64) + 0.5) / 64).astype(np.float32)
    np.testing.assert_allclose(library.run(wave_at, phase, cubic_pieces(wave(64))), wave(64), atol=1e-5)
