"""Grids: where they lie, how large they are, and when they are refused."""

import numpy as np
import pytest
from helpers.wcs import NIRCAM, imaging_wcs

from gpipe.coordinates.output_grid import (
    FirstExposure,
    GridOptions,
    Outline,
    fiducial,
    outlier,
    output_grid,
    refuse_large,
)
from gpipe.exceptions import InputError, ParameterError

SHAPE = (80, 100)


def first(**changed):
    wcs, info = imaging_wcs(NIRCAM, shape=SHAPE)
    return FirstExposure("jw1_cal.fits", wcs, SHAPE, info | changed)


def outlines(exposure, *shifts):
    (region,) = Outline.read("x", exposure.wcsinfo["s_region"]).polygons
    return [Outline(f"jw{k}_cal.fits", [region + shift]) for k, shift in enumerate([(0, 0), *shifts], 1)]


def grid_of(exposure, *shifts, **options):
    return output_grid(outlines(exposure, *shifts), exposure, GridOptions(**options))


def test_the_grid_of_one_exposure_is_its_size():
    exposure = first()
    grid = grid_of(exposure)
    assert np.allclose(grid.shape, SHAPE, atol=2)
    assert grid.pixel_scale == pytest.approx(NIRCAM.scale, rel=0.02)
    assert grid.pixel_scale_ratio == 1


def test_the_least_vertices_fall_on_the_centre_of_pixel_zero():
    exposure = first()
    corners = np.stack(grid_of(exposure).wcs.invert(*outlines(exposure)[0].vertices.T, with_bounding_box=False))
    np.testing.assert_allclose(corners.min(1), 0, atol=1e-8)


def test_the_reference_point_is_the_middle_across_zero_hours():
    middle = fiducial(np.array([(359.9, 10.0), (0.1, 10.0), (0.1, 10.2), (359.9, 10.2)]))
    assert middle == pytest.approx((0, 10.1), abs=1e-4) or middle == pytest.approx((360, 10.1), abs=1e-4)


def test_the_reference_point_may_be_the_pole():
    assert fiducial(np.array([(0, 89.0), (90, 89.0), (180, 89.0), (270, 89.0)]))[1] == pytest.approx(90)


def test_rotation_zero_is_north_up_and_east_left():
    grid = grid_of(first(), rotation=0.0)
    ra, dec = grid.wcs(np.array([40, 41, 40]), np.array([40, 40, 41]), with_bounding_box=False)
    assert ra[1] < ra[0]
    assert dec[1] == pytest.approx(dec[0], abs=1e-9)
    assert dec[2] - dec[0] == pytest.approx(grid.pixel_scale / 3600, rel=1e-6)


def test_rotation_does_without_the_roll():
    grid_of(first(roll_ref=None), rotation=0.0)
    with pytest.raises(InputError, match=r"jw1_cal.fits: ROLL_REF missing"):
        grid_of(first(roll_ref=None))


def test_a_pixel_scale_of_arcsec_wins_over_a_ratio():
    grid = grid_of(first(), pixel_scale=0.0622, pixel_scale_ratio=7)
    assert grid.pixel_scale == pytest.approx(0.0622)
    assert grid.pixel_scale_ratio == pytest.approx(0.0622 / NIRCAM.scale, rel=0.02)
    assert grid.pixel_area[1] == pytest.approx(0.0622**2)
    assert grid.pixel_area[0] == pytest.approx(0.0622**2 * (np.pi / 180 / 3600) ** 2)


def test_the_ratio_makes_larger_pixels():
    assert np.allclose(grid_of(first(), pixel_scale_ratio=2.0).shape, (40, 50), atol=2)


def test_a_reference_pixel_and_position_are_taken_as_they_are():
    exposure = first()
    place = exposure.wcs(30, 40)
    grid = grid_of(exposure, crpix=(10.0, 20.0), crval=place)
    assert grid.wcs(10, 20, with_bounding_box=False) == pytest.approx(place)
    assert np.allclose(grid.shape, (60, 80), atol=2)


def test_an_output_shape_cuts_the_grid_and_bounds_it_by_the_data():
    exposure = first()
    (y, x), cut = grid_of(exposure).shape, grid_of(exposure, output_shape=(300, 30))
    assert cut.shape == (30, 300)
    assert cut.wcs.bounding_box.bounding_box(order="F") == ((-0.5, x - 0.5), (-0.5, 29.5))
    assert cut.wcs.array_shape == (30, 300)
    assert y > 30


def test_a_grid_of_one_pixel_is_refused():
    with pytest.raises(ParameterError, match=r"1 x \d+ pixels"):
        grid_of(first(), output_shape=(1, 30))
    with pytest.raises(ParameterError, match="pixels"):
        grid_of(first(), crpix=(-500.0, 0.0))


def test_a_wrong_pointing_is_named_before_anything_is_allocated():
    exposure = first()
    shifts = (0.001, 0), (0, 0.001), (3, 0)
    grid = grid_of(exposure, *shifts)
    with pytest.raises(InputError, match=r"GB; memory and disk have 4.0 GB. jw4_cal.fits lies 2\.\d+ degrees"):
        refuse_large(grid, outlines(exposure, *shifts), 100, 4 * 10**9)
    refuse_large(grid_of(exposure), outlines(exposure), 100, 4 * 10**9)


def test_exposures_on_opposite_sides_of_the_sky_are_refused():
    with pytest.raises(InputError, match=r"jw\d_cal.fits: it lies \d+ degrees from the middle of the output grid"):
        grid_of(first(), (0.001, 0), (178, 50))


def test_the_outlier_is_the_exposure_that_is_far_from_the_others():
    assert outlier(outlines(first(), (0, 0.001), (0, 0.5), (0, -0.001)))[0] == "jw3_cal.fits"
    assert outlier(outlines(first(), (0, 0.5)))[0] == "jw2_cal.fits"


@pytest.mark.parametrize("value", [None, "", "CIRCLE ICRS 1 2 3", "POLYGON ICRS 1 2 3 4", "POLYGON ICRS 1 2 3 4 5 6 7"])
def test_a_missing_outline_names_the_exposure(value):
    with pytest.raises(InputError, match=r"jw1_cal.fits: S_REGION is"):
        Outline.read("jw1_cal.fits", value)


def test_an_outline_may_have_several_polygons():
    one = "POLYGON ICRS  1.0 2.0 1.1 2.0 1.1 2.1"
    assert [len(p) for p in Outline.read("x", f"{one}  {one} 1.0 2.1").polygons] == [3, 4]
