import warnings

import numpy as np
import pytest
from astropy.stats import sigma_clip
from helpers.strict_backend import StrictBackend

from gpipe.background.average import Clipping, clipped_average, error_of_mean, keeps_all


def planes(number, rng, shape=(8, 12)):
    """Values with outliers and NaN; at some pixels all are equal, at one all are NaN."""
    found = rng.normal(10, 1, (number, *shape))
    found[rng.random(found.shape) < 0.05] *= 20
    found[rng.random(found.shape) < 0.05] = np.nan
    found[:, 3, 4], found[:, 5] = np.nan, 0.1
    return found


@pytest.mark.parametrize("number", [1, 2, 5, 9, 30, 130])
@pytest.mark.parametrize("clipping", [Clipping(3.0), Clipping(1.5, 1), Clipping(1.0, 2), Clipping(0.1)])
def test_outliers_are_those_of_astropy(number, clipping):
    values = planes(number, np.random.default_rng(number))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = sigma_clip(values, sigma=clipping.sigma, maxiters=clipping.maxiters, axis=0)
    average = clipped_average(values, clipping)
    np.testing.assert_array_equal(average.kept, ~np.ma.getmaskarray(expected))
    np.testing.assert_allclose(average.mean, expected.mean(axis=0).filled(np.nan), rtol=1e-12)


@pytest.mark.parametrize("number", [1, 2, 4, 5, 6, 9, 10, 38])
def test_values_that_are_always_kept_need_no_search(number):
    """The farthest that one of so few values can be from their median, by trial."""
    trials = np.linspace(0, 1, 201) * np.ones((number, 1))
    trials[: (number + 1) // 2] = 0
    trials[0] = 1
    reach = (np.abs(trials - np.median(trials, axis=0)) / np.maximum(trials.std(axis=0), 1e-9)).max()
    assert not keeps_all(number, 0.99 * reach) or number == 1
    assert keeps_all(number, np.sqrt(number - 1) + 1)


def test_a_device_gives_the_same():
    values, backend = planes(9, np.random.default_rng(0)).astype(np.float32), StrictBackend()
    found = clipped_average(backend.to_device(values), Clipping(2.0))
    expected = clipped_average(values, Clipping(2.0))
    np.testing.assert_array_equal(backend.to_host(found.kept), expected.kept)
    np.testing.assert_allclose(backend.to_host(found.mean), expected.mean, rtol=1e-12)


def test_the_error_of_a_mean_is_of_what_is_kept():
    variances = np.array([[[4.0, 4, np.nan]], [[5, 5, 1]], [[100, 100, 1]]])
    kept = np.array([[[True, False, True]], [[True, False, True]], [[False, False, True]]])
    np.testing.assert_allclose(error_of_mean(variances, kept), [[1.5, np.nan, np.nan]])
