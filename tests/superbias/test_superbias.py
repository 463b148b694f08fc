import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gpipe import dq
from gpipe.superbias.superbias import subtract_superbias

COUNTS = st.integers(0, 60000).map(float)


@pytest.fixture
def scene(rng):
    data = rng.uniform(0, 60000, (2, 3, 4, 5)).astype(np.float32)
    bias = rng.uniform(5000, 15000, (4, 5)).astype(np.float32)
    bias[1, 2], bias[3, 0] = np.nan, np.inf
    flags = rng.integers(0, 2**32, (2, 4, 5), dtype=np.uint32)
    return data, flags[0], bias, flags[1]


def test_subtraction_against_a_loop(library, scene):
    data, pixeldq, bias, bias_dq = scene
    out = library.run(subtract_superbias, data, pixeldq, bias, bias_dq)
    assert (out.data.dtype, out.pixeldq.dtype, out.zeroframe) == (np.float32, np.uint32, None)
    for y in range(4):
        for x in range(5):
            known = np.float32(0) if np.isnan(bias[y, x]) else bias[y, x]
            np.testing.assert_array_equal(out.data[:, :, y, x], data[:, :, y, x] - known)
            unknown = 0 if np.isfinite(bias[y, x]) else dq.UNRELIABLE_BIAS
            assert out.pixeldq[y, x] == int(pixeldq[y, x]) | int(bias_dq[y, x]) | unknown


def test_zeroframe_loses_its_bias_and_keeps_its_zeros(library, scene):
    data, pixeldq, bias, bias_dq = scene
    zeroframe = data[:, 0, ...].copy()
    zeroframe[:, 0, :2] = 0
    out = library.run(subtract_superbias, data, pixeldq, bias, bias_dq, zeroframe=zeroframe)
    expected = zeroframe - np.where(np.isnan(bias), np.float32(0), bias)
    expected[:, 0, :2] = 0
    np.testing.assert_array_equal(out.zeroframe, expected)
    assert out.zeroframe.dtype == np.float32


@given(hnp.arrays(np.float32, (1, 2, 2, 3), elements=COUNTS), hnp.arrays(np.float32, (2, 3), elements=COUNTS))
def test_a_bias_added_is_a_bias_removed(data, bias):
    zero = np.zeros((2, 3), dtype=np.uint32)
    flagged = zero | dq.UNRELIABLE_BIAS
    out = subtract_superbias(data + bias, zero, bias, flagged)
    np.testing.assert_array_equal(out.data, data)
    np.testing.assert_array_equal(out.pixeldq, flagged)
