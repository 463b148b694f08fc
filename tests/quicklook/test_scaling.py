"""Images that are shrunk for a picture, beside slow loops."""

import numpy as np
import pytest

from gpipe.quicklook.scaling import by_maximum, by_mean, by_union, extent, factor_for, sky_range

SHAPES = [(6, 6), (7, 5), (1, 9)]


def blocks(image, factor):
    rows, columns = (-(-size // factor) for size in image.shape)
    return [
        [image[factor * y : factor * (y + 1), factor * x : factor * (x + 1)] for x in range(columns)]
        for y in range(rows)
    ]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("factor", [1, 2, 3])
def test_each_pixel_of_the_picture_stands_for_a_block(shape, factor):
    random = np.random.default_rng(1)
    image = random.normal(size=shape)
    image[0, 0] = np.nan
    flags = random.integers(0, 8, shape).astype(np.uint32)
    means = [[np.nanmean(b) if np.isfinite(b).any() else np.nan for b in row] for row in blocks(image, factor)]
    np.testing.assert_allclose(by_mean(image, factor), means)
    np.testing.assert_array_equal(by_maximum(flags, factor), [[b.max() for b in row] for row in blocks(flags, factor)])
    unions = [[np.bitwise_or.reduce(b, axis=None) for b in row] for row in blocks(flags, factor)]
    np.testing.assert_array_equal(by_union(flags, factor), unions)


@pytest.mark.parametrize(("shape", "factor"), [((2048, 2048), 2), ((64, 2048), 2), ((1024, 1024), 1), ((3, 1025), 2)])
def test_large_images_are_shrunk(shape, factor):
    assert factor_for(shape) == factor


def test_the_range_of_a_sky_with_a_star():
    image = np.full((100, 100), 5.0)
    image[50, 50], image[0, :50] = 1e6, 4.0
    low, sky, high = sky_range(image)
    assert (low, sky) == (5.0, 5.0) or (low, sky) == (4.0, 5.0)
    assert sky < high < 1e6
    assert sky_range(np.full((3, 3), np.nan)) == (0.0, 0.0, 1.0)


def test_axes_are_in_pixels_of_the_whole_image():
    assert extent((4, 6)) == (-0.5, 5.5, -0.5, 3.5)
