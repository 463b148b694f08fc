"""Pixel maps: polynomials where they are near enough, every pixel evaluated where they are not."""

import numpy as np
import pytest

from gpipe.coordinates.chebyshev import Rectangle
from gpipe.coordinates.pixel_map import ACCURACY, pixel_map

BOX = Rectangle(4, 203, 10, 149)


def distorted(x, y):
    u, v = (x - 100) / 100, (y - 80) / 100
    return 50 + 0.8 * x - 0.6 * y + 2 * u * v + u**3, 10 + 0.6 * x + 0.8 * y - v * v


def wavy(x, y):
    return x + np.sin(x / 4), y + np.cos(x / 6 + y / 5)


def kinked(x, y):
    return np.abs(x - 50.3), y


def torn(x, y):
    return np.where(x < 30.0, np.nan, x), y + 0.1 * x


def pixels(rows=slice(10, 150)):
    return np.meshgrid(np.arange(4, 204.0), np.arange(200.0)[rows])


@pytest.mark.parametrize(
    ("transform", "tiles", "degrees"), [(distorted, 1, 8), (lambda x, y: (x + np.sin(x / 60), y), 1, 12), (wavy, 8, 16)]
)
def test_the_surface_is_as_small_as_will_do(transform, tiles, degrees):
    found = pixel_map(transform, BOX)
    assert found.surface.coefficients.shape == (2, tiles, tiles, degrees, degrees)
    assert found.bound <= ACCURACY
    np.testing.assert_allclose(found.band(10, 150), transform(*pixels()), atol=ACCURACY)


@pytest.mark.parametrize("transform", [kinked, torn])
def test_every_pixel_is_evaluated_where_no_surface_will_do(transform):
    found = pixel_map(transform, BOX)
    assert found.surface is None
    np.testing.assert_array_equal(found.band(12, 15), transform(*pixels(slice(12, 15))))


@pytest.mark.parametrize("transform", [distorted, wavy, kinked, torn])
def test_the_way_back_is_as_near_as_it_says(transform):
    found = pixel_map(transform, BOX)
    x, y = pixels()
    there = np.stack(transform(x, y))
    known = np.isfinite(there).all(0)
    back = np.stack(found.inverse(*there[:, known]))
    assert np.max(np.abs(back - np.stack([x, y])[:, known])) <= found.inverse_error + 1e-9


def test_the_way_back_of_a_smooth_map_is_good_to_a_tenth_of_a_pixel():
    assert pixel_map(distorted, BOX).inverse_error < 0.1


def test_a_box_without_pixels_asks_nobody():
    found = pixel_map(None, Rectangle(4, 3, 10, 149))
    assert found.surface is None
    assert found.inverse is None


def test_a_map_that_is_defined_nowhere_has_no_way_back():
    found = pixel_map(lambda x, y: (x * np.nan, y), BOX)
    assert found.inverse is None
    assert np.isnan(found.band(10, 11)[0]).all()
