import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gpipe.arrays.image_median import image_median


def expected(x, chosen):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmedian(x[chosen]) if chosen.any() else np.nan


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (3, 5), (4, 6), (31, 17), (20, 300)])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_against_numpy(library, rng, shape, share):
    x = rng.normal(0, 10, shape).astype(np.float32)
    x[rng.random(shape) < 0.1] = np.nan
    chosen = rng.random(shape) < share
    out = library.run(image_median, x, chosen)
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, expected(x, chosen), rtol=1e-6)


@given(
    st.integers(1, 12).flatmap(
        lambda n: st.tuples(
            hnp.arrays(np.float32, n, elements=st.sampled_from([np.nan, -3.0, 0.0, 0.0, 1.0, 2.0, 7.0])),
            hnp.arrays(bool, n),
        )
    )
)
def test_any_choice(case):
    x, chosen = case
    np.testing.assert_array_equal(image_median(x, chosen), expected(x, chosen))
