from functools import partial

import array_api_compat
import numpy as np
import pytest

from gpipe.arrays.masked import median_where


def medians(x, valid, axis):
    return median_where(x, valid, axis=axis, xp=array_api_compat.array_namespace(x))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_against_a_masked_array(library, rng, axis):
    x, valid = rng.normal(0, 1, (7, 9)).astype(np.float32), rng.random((7, 9)) < 0.5
    valid[2], valid[:, 3] = False, False
    x[~valid] = np.nan
    expected = np.ma.median(np.ma.array(np.nan_to_num(x), mask=~valid), axis=axis, keepdims=True).filled(0)
    found = library.run(partial(medians, axis=axis), x, valid)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)
