"""The kernel of drizzle beside the portable function: equal sums and flags, bit by bit, on any number of threads."""

import dataclasses

import numpy as np
import pytest
from helpers.drizzling import scene, transform
from helpers.in_c import in_every_variant, kernel, unaligned
from hypothesis import given, settings
from hypothesis import strategies as st

from gpipe.coordinates.chebyshev import fit
from gpipe.resample import drizzle as portable
from gpipe.resample.kernels import NAMES
from gpipe.resample.kernels import kernel as drizzle_kernel
from gpipe.resample.placement import Box, Placement, Tile

pytestmark = in_every_variant
drizzle = kernel(portable.drizzle)
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0, -0.0, -1, 3e38, 1e-45], np.float32)
SPECIAL_PLACES = np.array([np.nan, np.inf, -np.inf, 1e300, -1e300, 1e19, 12.5, 12, -0.5])


def assert_same(scene, shape, **options):
    with np.errstate(all="ignore"):
        found = drizzle(*scene.arrays, shape, dq=scene.dq, **options)
        expected = portable.drizzle(*scene.arrays, shape, dq=scene.dq)
    np.testing.assert_array_equal(found.sums, expected.sums, strict=True)
    np.testing.assert_array_equal(found.dq, expected.dq, strict=True)
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("pixfrac", "scale"), [(1.0, 1.0), (0.7, 0.4), (0.3, 1.6)])
def test_every_kernel(name, pixfrac, scale):
    given = scene(rows=12, columns=14, size=14, scale=scale, as_planes=scale == 1.0)
    assert assert_same(given, drizzle_kernel(name, pixfrac, scale)).sums.any()


@settings(deadline=None, max_examples=15)
@given(
    st.integers(0, 1 << 32),
    st.floats(0, 6.28),
    st.sampled_from([0.3, 0.7, 1.0, 2.1]),
    st.sampled_from([(1.0, 1), (0.5, 2), (0.01, 3), (1.0, 5)]),
    st.booleans(),
    st.sampled_from(NAMES),
)
def test_any_exposure(seed, angle, scale, fraction_and_count, mirrored, name):
    pixfrac, count = fraction_and_count
    given = scene(seed, rows=13, columns=9, count=count, size=11, angle=angle, scale=scale, mirrored=mirrored)
    assert_same(given, drizzle_kernel(name, pixfrac, scale))


@pytest.mark.parametrize("name", ["square", "turbo"])
@pytest.mark.parametrize(
    "box", [Box(0, 30, 0, 23), Box(3, 20, 5, 9), Box(4, 4, 2, 20), Box(4, 9, 7, 7), Box(5, 4, 0, 9)]
)
def test_boxes(name, box):
    assert_same(scene(box=Box(*box)), drizzle_kernel(name))


@pytest.mark.parametrize("name", ["square", "lanczos3"])
def test_surfaces_of_several_tiles(name):
    given = scene()
    surface = fit(transform(), given.placement.surface.domain, degrees=5, tiles=3).surface
    placed = dataclasses.replace(given.placement, surface=surface)
    assert_same(dataclasses.replace(given, placement=placed), drizzle_kernel(name))


@pytest.mark.parametrize("name", NAMES)
def test_numbers_of_every_kind(name):
    given = scene(rows=12, columns=14, size=14, as_planes=True)
    rng = np.random.default_rng(3)
    for x in (*given.planes, given.weight):
        there = rng.random(x.shape) < 0.1
        x[there] = rng.choice(SPECIAL, np.count_nonzero(there))
    assert_same(given, drizzle_kernel(name, 0.8, 0.9))


@pytest.mark.parametrize("name", ["square", "point", "gaussian", "lanczos2"])
def test_places_of_every_kind(name):
    """Quadrilaterals of any form, some reversed or huge; all pixels of the exposure are candidates."""
    rng = np.random.default_rng(5)
    given = scene(rows=7, columns=6, as_planes=True)
    places = given.placement.planes + rng.normal(0, 2, given.placement.planes.shape)
    there = rng.random(places.shape) < 0.1
    places[there] = rng.choice(SPECIAL_PLACES, np.count_nonzero(there))
    placed = dataclasses.replace(given.placement, planes=places, inverse_error=14.0)
    assert_same(dataclasses.replace(given, placement=placed), drizzle_kernel(name))


@pytest.mark.parametrize("name", ["square", "lanczos2"])
@pytest.mark.parametrize("workers", [2, 7])
def test_threads_change_no_bit(name, workers):
    assert_same(scene(angle=0.7), drizzle_kernel(name), workers=workers)


def test_tiles_anywhere():
    given, shape = scene(), drizzle_kernel("square")
    for tile in (Tile(-3, 5, -2, 9), Tile(30, 90, 5, 80), Tile(-20, -5, 0, 5), Tile(3, 3, 0, 5), Tile(0, 5, 4, 4)):
        assert_same(dataclasses.replace(given, tile=tile), shape)


def test_read_only_strided_and_unaligned_arguments():
    given = scene(rows=24, columns=30)
    shape = drizzle_kernel("square")
    expected = drizzle(*given.arrays, shape, dq=given.dq)
    wide = [np.repeat(x, 2, axis=1)[:, ::2] for x in given.planes]
    for x in wide:
        x.flags.writeable = False
    found = drizzle(wide, unaligned(given.weight), *given.arrays[2:], shape, dq=unaligned(given.dq))
    np.testing.assert_array_equal(found.sums, expected.sums)
    np.testing.assert_array_equal(found.dq, expected.dq)


@pytest.mark.parametrize("dtype", [np.float64, ">f4"])
def test_other_types_and_more_planes_go_to_the_portable_function(dtype):
    given, shape = scene(rows=6, columns=6, count=2), drizzle_kernel("point")
    expected = drizzle(*given.arrays, shape).sums
    found = drizzle([x.astype(dtype) for x in given.planes], given.weight, *given.arrays[2:], shape).sums
    np.testing.assert_array_equal(found, expected)
    many = drizzle(given.planes * 3, *given.arrays[1:], shape).sums
    np.testing.assert_array_equal(many[..., :2], expected[..., :2])


def test_a_frame_of_huge_pixels():
    """Each pixel of the exposure covers more of the grid than C works on at once."""
    given = scene(rows=4, columns=5, size=5, scale=0.01, bend=0.0)
    assert assert_same(dataclasses.replace(given, tile=Tile(0, 300, 50, 90)), drizzle_kernel("square")).sums.any()


def test_other_shapes_are_refused():
    given = scene(count=2)
    assert isinstance(given.placement, Placement)
    with pytest.raises(ValueError, match="drizzle_add: argument weight: found 23 rows"):
        drizzle(given.planes, given.weight[1:], *given.arrays[2:], drizzle_kernel("square"))
