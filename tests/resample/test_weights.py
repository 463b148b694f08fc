"""Weights of pixels: bad ones, unknown variances, times."""

import numpy as np
import pytest

from gpipe.exceptions import InputError
from gpipe.resample import weights

FLAGS = np.array([[0, 1, 512, 4, 1 << 31]], np.uint32)


def test_only_two_flags_make_a_pixel_bad(library):
    found = library.run(weights.good_pixels, FLAGS)
    np.testing.assert_array_equal(found, [[True, False, False, True, True]])


def test_unknown_variances_have_no_weight(library):
    variance = np.array([[4, 4, 0.5, np.nan, 0, np.inf, 1e-44, -0.0]], np.float32)
    flags = np.array([[0, 1, 2, 0, 0, 0, 0, 0]], np.uint32)
    found = library.run(weights.inverse_variance, variance, flags)
    np.testing.assert_array_equal(found, np.array([[0.25, 0, 2, 0, 0, 0, 0, 0]], np.float32), strict=True)


def test_times_are_float32(library):
    found = library.run(lambda flags: weights.same_for_all(107.36759, flags), FLAGS)
    np.testing.assert_array_equal(found, np.float32(107.36759) * np.array([[1, 0, 0, 1, 1]], np.float32), strict=True)


def test_the_measured_time_comes_first():
    assert weights.weighting_time(10.0, 20.0, name="a.fits") == 10
    assert weights.weighting_time(None, 20.0, name="a.fits") == 20


@pytest.mark.parametrize(
    ("times", "found"),
    [((None, None), "EFFEXPTM None"), ((0.0, 5.0), "TMEASURE 0.0"), ((None, np.nan), "EFFEXPTM nan")],
)
def test_exposures_without_a_time_are_named(times, found):
    with pytest.raises(InputError, match=f"a.fits: found {found}; weight_type='exptime' expects a time above 0"):
        weights.weighting_time(*times, name="a.fits")


def test_exposures_without_read_noise_are_named():
    weights.check_read_noise(np.ones((1, 1), np.float32), name="a.fits")
    with pytest.raises(InputError, match=r"a\.fits: found no VAR_RNOISE.*exptime"):
        weights.check_read_noise(None, name="a.fits")


def test_background_is_subtracted_once(library):
    data = np.array([[1, np.nan, 3]], np.float32)
    for level, subtracted, expected in ((None, None, 0), (0.5, None, 0.5), (0.5, False, 0.5), (0.5, True, 0)):
        found = library.run(lambda x, a=level, b=subtracted: weights.without_background(x, a, subtracted=b), data)
        np.testing.assert_array_equal(found, data - np.float32(expected), strict=True)
