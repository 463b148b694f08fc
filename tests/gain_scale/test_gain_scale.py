import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpipe.gain_scale.gain_scale import rescale_rates


@pytest.mark.parametrize("shape", [(4, 5), (2, 4, 5)])
def test_rates_scale_linearly_and_variances_with_the_square(library, rng, shape):
    data, err, poisson, read = (rng.uniform(0, 50, shape).astype(np.float32) for _ in range(4))
    data[..., 0, 0] = np.nan
    out = library.run(rescale_rates, data, err, poisson, read, factor=1.5)
    np.testing.assert_array_equal(out.data, data * np.float32(1.5))
    np.testing.assert_array_equal(out.err, err * np.float32(1.5))
    np.testing.assert_array_equal(out.var_poisson, poisson * np.float32(2.25))
    np.testing.assert_array_equal(out.var_rnoise, read * np.float32(2.25))
    assert {a.dtype for a in vars(out).values()} == {np.dtype(np.float32)}


@given(st.floats(0.1, 10))
def test_signal_to_noise_stays(factor):
    data = np.linspace(1, 100, 6, dtype=np.float32)
    out = rescale_rates(data, data / 10, data, 2 * data, factor=factor)
    np.testing.assert_allclose(out.data / out.err, 10, rtol=1e-5)
    np.testing.assert_allclose(out.data**2 / out.var_poisson, data, rtol=1e-5)
