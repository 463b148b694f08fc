import array_api_compat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gpipe.arrays import nanmedian


def median_along(x, axis):
    return nanmedian(x, axis=axis, xp=array_api_compat.array_namespace(x))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_equals_numpy(library, rng, axis):
    x = rng.normal(size=(5, 6, 7)).astype(np.float32)
    x[rng.random(x.shape) < 0.3] = np.nan
    x[0] = np.where(rng.random(x.shape[1:]) < 0.5, np.float32(2), x[0])
    out = library.run(median_along, x, axis)
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, np.nanmedian(x, axis=axis), rtol=1e-6)


def test_no_value_gives_nan(library):
    x = np.full((4, 2), np.nan, np.float32)
    x[1, 1] = 3
    np.testing.assert_array_equal(library.run(median_along, x, 0), np.array([np.nan, 3], np.float32))


def test_infinite_values_count(library):
    x = np.array([np.inf, np.inf, 1, -np.inf], np.float32)[:, None]
    np.testing.assert_array_equal(library.run(median_along, x[:3], 0), [np.inf])


@given(arrays(np.float32, (5, 3), elements=st.floats(-1e6, 1e6, width=32)), st.permutations(range(5)))
def test_order_does_not_matter(x, order):
    np.testing.assert_array_equal(median_along(x, 0), median_along(x[list(order)], 0))
