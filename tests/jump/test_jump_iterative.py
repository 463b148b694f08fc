import numpy as np
import pytest
from helpers.plain_jumps import iterative
from hypothesis import given
from hypothesis import strategies as st

from gpipe.jump.differences import rank, rank_magnitudes
from gpipe.jump.iterative import Thresholds, jump_bounds

THRESHOLDS = {"four_or_more": 4.0, "three": 5.0, "two": 6.0}


def find(differences, variance, thresholds=THRESHOLDS):
    """Mark the jumps among differences (value, row, column)."""
    bounds = jump_bounds(rank_magnitudes(rank(differences)), variance, Thresholds(**thresholds))
    return bounds.exceeded_by(differences)


def expected(differences, variance, thresholds=THRESHOLDS):
    out = np.zeros(differences.shape, bool)
    for y, x in np.ndindex(variance.shape):
        found = iterative(differences[:, y, x].tolist(), float(variance[y, x]), **thresholds)
        out[sorted(found), y, x] = True
    return out


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 12, 40])
def test_noise_and_hits(library, rng, count):
    differences = rng.normal(50, 8, (count, 12, 12)).astype(np.float32)
    differences[rng.random(differences.shape) < 0.15] += 500
    differences[rng.random(differences.shape) < 0.05] -= 400
    differences[rng.random(differences.shape) < 0.15] = np.nan
    variance = rng.uniform(0, 40, (12, 12)).astype(np.float32)
    out = library.run(find, differences, variance)
    np.testing.assert_array_equal(out, expected(differences, variance))


@pytest.mark.parametrize("values", [[0, 90], [0, 0, 0, 100, 5000], [-100, 100], [7], [1, 1, 1, 30, 900, -900]])
@pytest.mark.parametrize("count", [2, 3, 4, 6, 9])
def test_equal_values_are_removed_together(library, rng, values, count):
    differences = rng.choice(values, (count, 20, 20)).astype(np.float32)
    differences[rng.random(differences.shape) < 0.1] = np.nan
    variance = rng.choice([0, 16, 64], (20, 20)).astype(np.float32)
    out = library.run(find, differences, variance)
    np.testing.assert_array_equal(out, expected(differences, variance))


@pytest.mark.parametrize(("left", "threshold"), [(4, 4.0), (3, 5.0), (2, 6.0)])
def test_the_threshold_is_that_of_the_number_of_differences_left(left, threshold):
    """Sigma is 10; a difference exactly at the threshold is no jump."""
    for off, jump in ((10 * threshold, False), (10 * threshold + 0.01, True)):
        differences = np.full((left, 1, 1), 0, np.float32)
        differences[1] = off
        assert find(differences, np.full((1, 1), 100, np.float32)).any() == jump


@given(
    st.lists(st.integers(-60, 60) | st.just(None), min_size=2, max_size=9),
    st.sampled_from([0, 1, 4, 9]),
    st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0]),
)
def test_any_pixel_of_whole_numbers(values, variance, threshold):
    differences = np.array([np.nan if v is None else v for v in values], np.float32).reshape(-1, 1, 1)
    thresholds = {"four_or_more": threshold, "three": threshold + 1, "two": threshold + 2}
    variance = np.full((1, 1), variance, np.float32)
    out = find(differences, variance, thresholds)
    np.testing.assert_array_equal(out, expected(differences, variance, thresholds))
