import warnings

import numpy as np
from astropy.stats import sigma_clipped_stats
from hypothesis import given
from hypothesis import strategies as st

from gpipe.emicorr.clipped_bins import clipped_means


def expected(values, bins, count):
    means = np.full(count, np.nan)
    for b in range(count):
        inside = values[(bins == b) & ~np.isnan(values)]
        if inside.size:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                means[b] = sigma_clipped_stats(inside.astype(float))[0]
    return means


def sample(rng, size, count):
    values = rng.normal(0, 3, size)
    values[rng.random(size) < 0.05] += 200 * rng.random()
    values[rng.random(size) < 0.02] = np.nan
    return values.astype(np.float32), rng.integers(0, count + 1, size).astype(np.int16)


def test_means_are_those_of_astropy(library, rng):
    values, bins = sample(rng, 4000, 13)
    means = library.run(clipped_means, values, bins, 13)
    np.testing.assert_allclose(means, expected(values, bins, 13), atol=2e-4)


def test_an_empty_bin_is_nan(library):
    means = library.run(clipped_means, np.array([1, 2, 5, 7], np.float32), np.array([0, 0, 2, 3], np.int16), 3)
    np.testing.assert_array_equal(means, [1.5, np.nan, 5])


def test_values_that_are_equal_are_not_clipped(library):
    means = library.run(clipped_means, np.full(50, 7, np.float32), np.repeat(np.arange(5, dtype=np.int16), 10), 5)
    np.testing.assert_array_equal(means, np.full(5, 7.0))


@given(st.integers(1, 300), st.integers(1, 9), st.integers(0, 2**31))
def test_any_number_of_values_in_any_number_of_bins(size, count, seed):
    values, bins = sample(np.random.default_rng(seed), size, count)
    np.testing.assert_allclose(clipped_means(values, bins, count), expected(values, bins, count), atol=1e-5)


@given(st.integers(0, 2**31))
def test_order_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    values, bins = sample(rng, 200, 4)
    order = rng.permutation(200)
    np.testing.assert_allclose(clipped_means(values[order], bins[order], 4), clipped_means(values, bins, 4), atol=1e-5)
