import numpy as np
import pytest
from scipy.ndimage import zoom

from gpipe.arrays.spline_zoom import spline_zoom


@pytest.mark.parametrize(
    ("shape", "factors"), [((6, 8), (4, 3)), ((16, 7), (2, 9)), ((1, 8), (5, 2)), ((9, 9), (32, 1))]
)
def test_against_scipy(library, rng, shape, factors):
    x = rng.normal(10, 1, shape).astype(np.float32)
    found = library.run(spline_zoom, x, factors)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, zoom(x, factors, order=3, mode="reflect", grid_mode=True), rtol=1e-5)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_few_pixels_are_interpolated_exactly(library, rng, size):
    """scipy's spline misses the pixels of so small an image by up to one percent of their differences."""
    x = rng.normal(10, 1, (size, size)).astype(np.float32)
    found = library.run(spline_zoom, x, (3, 3))  # the middle of three new pixels is an old one
    np.testing.assert_allclose(found[1::3, 1::3], x, rtol=1e-5)
