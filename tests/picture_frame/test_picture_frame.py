import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpipe.picture_frame.picture_frame import (
    both_have_pixels,
    difference,
    measure_levels,
    sample_regions,
    subtract_from_ramps,
    subtract_from_rates,
)
from gpipe.picture_frame.regions import Regions

SMALL = Regions(lower=(1, 4), middle=(5, 15), upper=(16, 19))
SHAPE = (20, 20)


def masks(shape=SHAPE, regions=SMALL):
    """Mark the pixels of each region, one by one."""
    middle, frame = np.zeros(shape, bool), np.zeros(shape, bool)
    first, last = regions.lower[0], regions.upper[1]
    for y, x in np.ndindex(shape):
        inside = all(regions.middle[0] <= v < regions.middle[1] for v in (y, x))
        in_bars = any(a <= v < b for v in (y, x) for a, b in (regions.lower, regions.upper))
        middle[y, x] = inside
        frame[y, x] = in_bars and all(first <= v < last for v in (y, x))
    return middle, frame


def slow(image, pattern, mask):
    """Subtract the scaled pattern from one image."""
    middle, frame = (region & mask for region in masks())
    at_frame, of_frame = np.nanmedian(image[frame]), np.nanmedian(pattern[frame])
    scale = (np.nanmedian(image[middle]) - at_frame) / (np.nanmedian(pattern[middle]) - of_frame)
    return image - scale * (pattern - of_frame) - at_frame


@pytest.fixture
def scene(rng):
    """Data of two integrations and four groups, the pattern and a mask of background."""
    pattern = rng.normal(0, 0.1, SHAPE).astype(np.float32) + np.float32(3) * masks()[1]
    growth = np.arange(4, dtype=np.float32)[None, :, None, None] * np.array([2, -3], np.float32)[:, None, None, None]
    data = (growth * pattern + rng.normal(100, 0.1, (2, 4, *SHAPE))).astype(np.float32)
    data[rng.random(data.shape) < 0.01] = np.nan
    return data, pattern, rng.random(SHAPE) < 0.8


def ramps(data, pattern, mask):
    return subtract_from_ramps(data, pattern, sample_regions(mask, SMALL), SMALL)


def rates(data, pattern, mask):
    return subtract_from_rates(data, pattern, sample_regions(mask, SMALL), SMALL)


def test_regions_against_a_loop(library):
    number = np.arange(400, dtype=np.float32).reshape(SHAPE)
    for region, expected in zip((SMALL.middle_of, SMALL.frame_of), masks(), strict=True):
        np.testing.assert_array_equal(np.sort(library.run(region, number)), number[expected])
    stacked = library.run(SMALL.frame_of, np.stack([number, 2 * number]))
    np.testing.assert_array_equal(stacked[1], 2 * stacked[0])


def test_groups_after_the_first_lose_the_pattern_that_has_grown(library, scene):
    data, pattern, mask = scene
    out = library.run(ramps, *scene)
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out[:, 0], data[:, 0])
    for i, g in np.ndindex(2, 3):
        expected = data[i, 0] + slow(data[i, g + 1] - data[i, 0], pattern, mask)
        np.testing.assert_allclose(out[i, g + 1], expected, rtol=1e-5)


def test_rates_lose_the_pattern(library, scene):
    data, pattern, mask = scene
    out = library.run(rates, data[:, 3], pattern, mask)
    for i in range(2):
        np.testing.assert_allclose(out[i], slow(data[i, 3], pattern, mask), atol=1e-4)
        np.testing.assert_array_equal(library.run(rates, data[i, 3], pattern, mask), out[i])


def test_no_level_is_left_in_either_region(scene):
    data, pattern, mask = scene
    sample = sample_regions(mask, SMALL)
    out = subtract_from_ramps(data, pattern, sample, SMALL)
    for g in (1, 2, 3):
        levels = measure_levels(out[0, g] - out[0, 0], sample, SMALL)
        np.testing.assert_allclose(dataclasses.astuple(levels), 0, atol=0.05)


@given(st.floats(-100, 100, width=32), st.floats(0.25, 8, width=32))
def test_unit_and_zero_of_the_pattern_do_not_matter(zero, unit):
    rng = np.random.default_rng(3)
    pattern = rng.normal(0, 0.1, SHAPE).astype(np.float32) + np.float32(3) * masks()[1]
    image = (2 * pattern + rng.normal(10, 0.1, SHAPE)).astype(np.float32)
    everywhere = np.ones(SHAPE, bool)
    other = pattern * np.float32(unit) + np.float32(zero)
    np.testing.assert_allclose(rates(image, other, everywhere), rates(image, pattern, everywhere), atol=2e-3)


@pytest.mark.parametrize("region", [0, 1])
def test_a_region_without_background(library, region):
    mask = np.ones(SHAPE, bool)
    assert library.run(lambda m: both_have_pixels(sample_regions(m, SMALL)), mask)
    mask[masks()[region]] = False
    assert not library.run(lambda m: both_have_pixels(sample_regions(m, SMALL)), mask)


def test_difference(library, rng):
    one, other = rng.normal(size=(2, 3, 4)).astype(np.float32)
    np.testing.assert_array_equal(library.run(difference, one, other), one - other)
