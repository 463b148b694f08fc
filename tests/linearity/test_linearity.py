import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gpipe import dq
from gpipe.linearity.linearity import correct_linearity

COUNTS = hnp.arrays(np.float32, (1, 3, 2, 3), elements=st.integers(0, 60000).map(float))
ZERO = np.zeros((2, 3), dtype=np.uint32)


def polynomial(rng, shape, powers=5):
    scale = np.array([5, 0.02, 1e-6, 1e-11, 1e-16, 1e-21])[:powers]
    coeffs = rng.normal(size=(powers, *shape)) * scale[:, None, None]
    coeffs[1] += 1
    return coeffs.astype(np.float32)


@pytest.fixture
def scene(rng):
    data = rng.uniform(0, 60000, (2, 3, 4, 5)).astype(np.float32)
    data[0, 0, 0, 0] = np.nan
    groupdq = rng.choice(np.array([0, dq.SATURATED, dq.DO_NOT_USE, dq.JUMP_DET], dtype=np.uint8), data.shape)
    pixeldq = rng.integers(0, 2**16, (4, 5), dtype=np.uint32)
    coeffs = polynomial(rng, (4, 5))
    coeffs[3, 1, 1] = np.nan
    coeffs[1, 2, 2] = 0
    coeffs_dq = np.zeros((4, 5), dtype=np.uint32)
    coeffs_dq[3, 3] = dq.NO_LIN_CORR
    coeffs_dq[3, 4] = dq.NONLINEAR
    return data, groupdq, pixeldq, coeffs, coeffs_dq


@pytest.mark.parametrize("powers", [2, 3, 5])
def test_correction_against_a_loop(library, scene, powers):
    data, groupdq, pixeldq, coeffs, coeffs_dq = scene
    coeffs = coeffs[:powers]
    out = library.run(correct_linearity, data, groupdq, pixeldq, coeffs, coeffs_dq)
    assert (out.data.dtype, out.pixeldq.dtype) == (np.float32, np.uint32)
    for (i, g, y, x), counts in np.ndenumerate(data):
        c = coeffs[:, y, x].astype(float)
        untouched = np.isnan(c).any() or c[1] == 0 or coeffs_dq[y, x] == dq.NO_LIN_CORR
        untouched |= bool(groupdq[i, g, y, x] & dq.SATURATED)
        expected = counts if untouched else sum(c[k] * float(counts) ** k for k in range(powers))
        np.testing.assert_allclose(out.data[i, g, y, x], expected, rtol=1e-6, atol=1e-4)


def test_pixels_without_a_correction_are_flagged(library, scene):
    data, groupdq, pixeldq, coeffs, coeffs_dq = scene
    out = library.run(correct_linearity, data, groupdq, pixeldq, coeffs, coeffs_dq)
    expected = pixeldq | coeffs_dq
    expected[1, 1] |= dq.NO_LIN_CORR
    expected[2, 2] |= dq.NO_LIN_CORR
    np.testing.assert_array_equal(out.pixeldq, expected)


def test_zeroframe_is_corrected_like_a_group_and_keeps_its_zeros(library, scene):
    data, groupdq, pixeldq, coeffs, coeffs_dq = scene
    zeroframe = data[:, 1, ...].copy()
    zeroframe[0, 0, :3] = 0
    out = library.run(correct_linearity, data, np.zeros_like(groupdq), pixeldq, coeffs, coeffs_dq, zeroframe=zeroframe)
    np.testing.assert_array_equal(out.zeroframe, np.where(zeroframe == 0, 0, out.data[:, 1, ...]))
    assert (coeffs[0, 0, :3] != 0).all()
    assert out.zeroframe.dtype == np.float32


def test_many_row_slices_give_the_same(rng):
    data = rng.uniform(0, 60000, (1, 2, 40, 2048)).astype(np.float32)  # three slices in the host's cache
    groupdq, pixeldq = np.zeros(data.shape, np.uint8), np.zeros((40, 2048), np.uint32)
    coeffs = polynomial(rng, (40, 2048))
    whole = correct_linearity(data, groupdq, pixeldq, coeffs, pixeldq).data
    part = correct_linearity(data[..., 14:20, :], groupdq[..., 14:20, :], pixeldq[:6], coeffs[:, 14:20], pixeldq[:6])
    np.testing.assert_array_equal(whole[..., 14:20, :], part.data)


@given(COUNTS)
def test_the_identity_changes_nothing(data):
    coeffs = np.zeros((4, 2, 3), dtype=np.float32)
    coeffs[1] = 1
    out = correct_linearity(data, np.zeros(data.shape, np.uint8), ZERO, coeffs, ZERO)
    np.testing.assert_array_equal(out.data, data)
    np.testing.assert_array_equal(out.pixeldq, ZERO)


@given(COUNTS, hnp.arrays(np.uint8, (1, 3, 2, 3)))
def test_saturated_samples_stay_and_groups_do_not_mix(data, groupdq):
    coeffs = polynomial(np.random.default_rng(1), (2, 3))
    out = correct_linearity(data, groupdq, ZERO, coeffs, ZERO).data
    saturated = (groupdq & dq.SATURATED) != 0
    np.testing.assert_array_equal(out[saturated], data[saturated])
    alone = correct_linearity(data[:, 1:2], groupdq[:, 1:2], ZERO, coeffs, ZERO).data
    np.testing.assert_array_equal(out[:, 1:2], alone)
