"""Means over the groups of IRS2 readout."""

import numpy as np
import pytest

from gpipe.refpix.irs2.samples import counts_of, rise_to_mean

GROUPS, ROWS, COLUMNS = 5, 7, 6


@pytest.fixture
def counts(rng):
    return rng.normal(12000, 300, (GROUPS, ROWS, COLUMNS)).astype(np.float32)


def slow_rise(counts):
    """Pixel by pixel, in Python's numbers."""
    rise = np.empty(counts.shape[1:])
    for row, column in np.ndindex(rise.shape):
        values = [float(value) for value in counts[:, row, column]]
        rise[row, column] = sum(value - values[0] for value in values) / len(values)
    return rise


@pytest.mark.parametrize("with_levels", [False, True])
@pytest.mark.parametrize("workers", [1, 2])
def test_rise_is_the_mean_above_the_first_group(library, rng, counts, with_levels, workers):
    levels = rng.normal(0, 20, (GROUPS, ROWS, 1)).astype(np.float32) if with_levels else None
    found = library.run(rise_to_mean, counts, levels, workers=workers)
    expected = slow_rise(counts - levels if with_levels else counts)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-3)


def test_nan_reaches_the_mean_of_its_pixel_only(library, counts):
    counts[2, 3, 1] = counts[0, 5, 4] = np.nan
    found = library.run(rise_to_mean, counts, None)
    np.testing.assert_array_equal(np.argwhere(np.isnan(found)), [(3, 1), (5, 4)])


def test_a_sample_that_equals_the_mean_of_its_pixel_differs_by_exactly_nothing(library):
    first, step = np.float32(12345.6), np.float32(0.125)
    counts = np.stack([np.full((2, 3), first + k * step, np.float32) for k in range(7)])
    np.testing.assert_array_equal(library.run(rise_to_mean, counts, None), counts[3].astype(float) - counts[0])
    in_float32 = (np.add.reduce(counts) / np.float32(7)).astype(float)
    assert not np.array_equal(in_float32, counts[3])  # as it would be from sums of counts


def test_levels_are_subtracted_from_some_rows(library, counts, rng):
    levels = rng.normal(0, 20, (GROUPS, ROWS, 1)).astype(np.float32)
    some = slice(2, 5)
    np.testing.assert_array_equal(library.run(counts_of, counts, levels, 3, some), counts[3, some] - levels[3, some])
    np.testing.assert_array_equal(library.run(counts_of, counts, None, 3, some), counts[3, some])
