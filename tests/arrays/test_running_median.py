import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpipe.arrays.running_median import running_median


def slow(x, length):
    """Row by row, with the ends mirrored about the first and last row."""
    rows = x.shape[-2]
    out = np.empty(x.shape[:-1], x.dtype)
    for lead in np.ndindex(x.shape[:-2]):
        for i in range(rows):
            around = [abs(j) for j in range(i - length // 2, i - length // 2 + length)]
            around = [j if j < rows else 2 * (rows - 1) - j for j in around]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                out[(*lead, i)] = np.nanmedian(x[lead][around])
    return out


def run(x, length):
    import array_api_compat

    return running_median(x, length=length, xp=array_api_compat.array_namespace(x))


@pytest.mark.parametrize("length", [1, 2, 3, 6, 11, 16])
def test_every_window_against_a_loop(library, rng, length):
    x = rng.normal(size=(2, 12, 4)).astype(np.float32)
    x[rng.random(x.shape) < 0.3] = np.nan
    x[0, 2:9] = np.nan
    out = library.run(run, x, length)
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out, slow(x, length))


@pytest.mark.parametrize("length", [0, -1, 24])
def test_a_window_that_does_not_fit_is_an_error(length):
    with pytest.raises(ValueError, match="does not fit"):
        run(np.zeros((12, 4), np.float32), length)


@given(st.integers(1, 9), st.floats(-1e3, 1e3, width=32, allow_subnormal=False))
def test_a_constant_passes_through(length, value):
    np.testing.assert_array_equal(run(np.full((7, 3), value, np.float32), length), np.full(7, value, np.float32))
