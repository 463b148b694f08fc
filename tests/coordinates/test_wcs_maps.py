"""Maps between a WCS and a grid: within a millionth of a pixel of the WCS itself, wherever it looks."""

import numpy as np
import pytest
from helpers.wcs import FGS, MIRI, NIRCAM, NIRISS, imaging_wcs, moving

from gpipe.coordinates.output_grid import FirstExposure, GridOptions, Outline, output_grid
from gpipe.coordinates.pixel_map import ACCURACY
from gpipe.coordinates.wcs_maps import between, map_to_grid, valid_box

TWEAK = [[1.0003, 2e-4], [-2e-4, 0.9998]], [0.3, -0.2]


def grid_of(wcs, info, optics, **options):
    first = FirstExposure("first", wcs, optics.shape, info)
    return output_grid([Outline.read("first", info["s_region"])], first, GridOptions(**options))


def differences(found, wcs, grid):
    """Errors of a map at random pixels of its box."""
    random = np.random.default_rng(2)
    x = np.append(random.integers(found.box.x0, found.box.x1 + 1, 400), [found.box.x0, found.box.x1]).astype(float)
    y = np.append(random.integers(found.box.y0, found.box.y1 + 1, 400), [found.box.y0, found.box.y1]).astype(float)
    return np.max(np.abs(np.stack(found.surface(x, y)) - np.stack(between(wcs, grid)(x, y))))


@pytest.mark.parametrize("optics", [NIRCAM, NIRISS, MIRI, FGS], ids=["NIRCam", "NIRISS", "MIRI", "FGS"])
def test_distortions_of_real_size_take_64_nodes(optics):
    wcs, info = imaging_wcs(optics)
    grid = grid_of(wcs, info, optics).wcs
    found = map_to_grid(wcs, optics.shape, grid)
    assert found.surface.coefficients.shape == (2, 1, 1, 8, 8)
    assert differences(found, wcs, grid) <= found.bound <= ACCURACY
    assert found.inverse_error < 0.1


@pytest.mark.parametrize(("ra", "dec"), [(0.001, 20), (359.999, -70), (12, 89.9999), (0, 90), (12, -89.9999)], ids=str)
def test_maps_hold_across_zero_hours_and_at_the_poles(ra, dec):
    wcs, info = imaging_wcs(NIRCAM, ra, dec, shape=(256, 256))
    grid = grid_of(wcs, info, NIRCAM, rotation=10.0).wcs
    found = map_to_grid(wcs, (256, 256), grid)
    assert differences(found, wcs, grid) <= found.bound <= ACCURACY


def test_an_affine_step_of_tweakreg_goes_along():
    plain, info = imaging_wcs(MIRI)
    wcs, _ = imaging_wcs(MIRI, tweak=TWEAK)
    grid = grid_of(plain, info, MIRI).wcs
    found = map_to_grid(wcs, MIRI.shape, grid)
    assert differences(found, wcs, grid) <= found.bound <= ACCURACY
    shift = np.stack(found.surface(500.0, 500.0)) - np.stack(map_to_grid(plain, MIRI.shape, grid).surface(500.0, 500.0))
    assert np.hypot(*shift) > 0.5


def test_a_moving_target_is_followed():
    wcs, info = imaging_wcs(NIRISS)
    followed = moving(wcs, 0.001, -0.002)
    grid = grid_of(wcs, info, NIRISS).wcs
    found = map_to_grid(followed, NIRISS.shape, grid)
    assert differences(found, followed, grid) <= found.bound <= ACCURACY


def test_pixels_outside_of_the_bounding_box_are_not_mapped():
    wcs, info = imaging_wcs(NIRCAM, shape=(60, 40), box=((3.5, 35.5), (9.2, 80)))
    box = valid_box(wcs, (60, 40))
    assert box == (4, 35, 10, 59)
    assert map_to_grid(wcs, (60, 40), grid_of(wcs, info, NIRCAM).wcs).box == box


def test_the_box_of_the_grid_does_not_matter():
    wcs, info = imaging_wcs(NIRCAM, shape=(60, 40))
    grid = grid_of(wcs, info, NIRCAM).wcs
    whole = map_to_grid(wcs, (60, 40), grid).band(0, 60)
    grid.bounding_box = (0, 3), (0, 3)
    np.testing.assert_array_equal(map_to_grid(wcs, (60, 40), grid).band(0, 60), whole)


def test_without_a_bounding_box_all_pixels_count():
    wcs, _ = imaging_wcs(NIRCAM, shape=(60, 40))
    wcs.bounding_box = None
    assert valid_box(wcs, (60, 40)) == (0, 39, 0, 59)


@pytest.mark.parametrize(("order", "near", "far"), [(1, 2e-3, 1e-7), (3, 1e-5, 0)])
def test_a_stepsize_interpolates_between_points_of_a_coarse_grid(order, near, far):
    wcs, info = imaging_wcs(NIRISS, shape=(300, 200))
    grid = grid_of(wcs, info, NIRISS).wcs
    coarse = map_to_grid(wcs, (300, 200), grid, stepsize=20, order=order)
    error = np.max(np.abs(coarse.band(0, 300) - map_to_grid(wcs, (300, 200), grid).band(0, 300)))
    assert coarse.surface is None
    assert far < error < near
    assert coarse.inverse_error < 0.1


def test_a_stepsize_does_nothing_to_ten_pixels():
    wcs, info = imaging_wcs(NIRISS, shape=(10, 8))
    assert map_to_grid(wcs, (10, 8), grid_of(wcs, info, NIRISS).wcs, stepsize=4).surface is not None
