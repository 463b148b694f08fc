"""Areas and scales of pixels on the sky."""

import numpy as np
import pytest
from helpers.wcs import MIRI, Optics, imaging_wcs

from gpipe.coordinates.pixel_scale import mean_pixel_area, scale_at
from gpipe.coordinates.sphere import polygon_area, separation

STERADIAN = (180 * 3600 / np.pi) ** 2


def plain(scale, ra=10.0, dec=0.0, shape=(50, 70)):
    return imaging_wcs(Optics(100.0, 0.0, scale, 3.0, -1, shape, terms=0.0), ra, dec)


@pytest.mark.parametrize(("ra", "dec"), [(10, 0), (0.0, 60), (200, 89.9999), (0, -90)])
def test_the_area_and_scale_of_square_pixels(ra, dec):
    wcs, info = plain(0.1, ra, dec)
    assert mean_pixel_area(wcs, (50, 70)) * STERADIAN == pytest.approx(0.01 * 1.00003**2, rel=1e-7)
    assert scale_at(wcs, info["ra_ref"], info["dec_ref"]) * 3600 == pytest.approx(0.1 * 1.00003, rel=1e-6)


def test_an_octant_is_an_eighth_of_the_sphere():
    assert polygon_area(np.array([0, 90, 0.0]), np.array([0, 0, 90.0])) == pytest.approx(np.pi / 2)


@pytest.mark.parametrize(("other", "angle"), [((0, 1e-7), 1e-7), ((359.9, 0), 0.1), ((180, 0), 180), ((77, 90), 90)])
def test_separations_of_all_sizes(other, angle):
    assert separation(0.0, 0.0, *other) == pytest.approx(angle, rel=1e-9)


def test_borders_without_coordinates_are_left_out():
    whole, _ = imaging_wcs(MIRI)
    wcs, _ = imaging_wcs(MIRI, box=((10.6, 900.4), (-0.5, 1023.5)))
    assert mean_pixel_area(wcs, MIRI.shape) == pytest.approx(mean_pixel_area(whole, MIRI.shape), rel=0.02)
    assert mean_pixel_area(lambda_wcs(), (9, 9)) is None


def lambda_wcs():
    class Nowhere:
        bounding_box = None

        def __call__(self, x, y):
            return np.full(np.shape(x), np.nan), y

    return Nowhere()
