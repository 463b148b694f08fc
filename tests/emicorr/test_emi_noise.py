import numpy as np
import pytest

from gpipe.emicorr.noise import subtract_noise

SHAPE = (2, 3, 40, 24)


def square(phase):
    return phase * phase


@pytest.mark.parametrize("amplitudes", [None, (2.0, -0.5)])
def test_each_pixel_loses_the_signal_at_its_phase(library, rng, amplitudes):
    data = rng.normal(100, 5, SHAPE).astype(np.float32)
    data[1, 2, 3, 4] = np.nan
    pixels = rng.random((40, 6)).astype(np.float32)
    starts = rng.random((2, 3)).astype(np.float32)
    factors = None if amplitudes is None else np.array(amplitudes, np.float32)
    out = library.run(subtract_noise, data, pixels, starts, square, factors)
    expected = data.copy()
    for i, g, r, c in np.ndindex(SHAPE):
        factor = 1 if amplitudes is None else amplitudes[i]
        expected[i, g, r, c] -= factor * ((pixels[r, c // 4] + starts[i, g]) % 1) ** 2
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, expected, atol=1e-4)
