"""The comparison itself can fail."""

import numpy as np
import pytest
from helpers.comparison import compare_flags, compare_science, compare_values, compare_variance

ONE = np.ones((100, 100), np.float32)


def changed(value, count=2):
    out = ONE.copy()
    out.ravel()[:count] = value
    return out


def test_equal_planes_agree():
    assert compare_science("x", ONE, ONE.copy()).different == 0


@pytest.mark.parametrize("value", [1.001, np.nan, np.inf, -1.0])
def test_two_pixels_in_ten_thousand_are_too_many(value):
    agreement = compare_science("x", changed(value), ONE)
    assert agreement.different == 2
    assert not agreement.good_enough


def test_one_pixel_in_ten_thousand_is_allowed_and_counted():
    agreement = compare_science("x", changed(5.0, 1), ONE)
    assert agreement.good_enough
    assert agreement.different == 1
    assert agreement.worst == 4


def test_the_error_sets_the_scale_of_faint_pixels():
    faint = np.full_like(ONE, 1e-6)
    assert compare_science("x", 2 * faint, faint, error=1.0).different == 0
    assert compare_science("x", 2 * faint, faint).different == faint.size


def test_nan_agrees_with_nan_only():
    assert compare_science("x", changed(np.nan), changed(np.nan)).different == 0
    assert compare_science("x", ONE, changed(np.nan)).different == 2


def test_variances_may_differ_by_one_in_a_thousand():
    assert compare_variance("x", 1.0009 * ONE, ONE).different == 0
    assert compare_variance("x", np.float32(1.0011) * ONE, ONE).different == ONE.size


def test_flags_must_be_equal():
    flags = np.zeros((100, 100), np.uint32)
    other = flags.copy()
    other[3, 4] = 1
    assert compare_flags("x", flags, flags).different == 0
    assert compare_flags("x", other, flags).different == 1


def test_double_precision_is_an_error():
    with pytest.raises(AssertionError, match="float64"):
        compare_values("x", ONE.astype(float), ONE, ONE, 1e-4)
