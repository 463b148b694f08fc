"""The CUDA kernels for drizzle beside the portable function: equal sums and flags, bit by bit."""

import dataclasses

import numpy as np
import pytest
from helpers.drizzling import scene
from hypothesis import given, settings
from hypothesis import strategies as st

from gpipe.kernels.cuda.drizzle import drizzle
from gpipe.resample.drizzle import drizzle as portable
from gpipe.resample.kernels import NAMES, kernel
from gpipe.resample.placement import Box, Tile


def assert_same(cuda, given, shape):
    def run(first, weight, dq, others, planes):
        placed = dataclasses.replace(given.placement, planes=planes)
        return drizzle([first, *others], weight, placed, given.tile, shape, dq=dq)

    with np.errstate(all="ignore"):
        found = cuda(run, given.planes[0], given.weight, given.dq, given.planes[1:], given.placement.planes)
        expected = portable(*given.arrays, shape, dq=given.dq)
    np.testing.assert_array_equal(found.sums, expected.sums, strict=True)
    np.testing.assert_array_equal(found.dq, expected.dq, strict=True)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("pixfrac", "scale"), [(1.0, 1.0), (0.7, 0.4), (0.3, 1.6)])
def test_every_kernel(cuda, name, pixfrac, scale):
    given = scene(rows=12, columns=14, size=14, scale=scale, as_planes=scale == 1.0)
    assert_same(cuda, given, kernel(name, pixfrac, scale))


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1 << 32), st.floats(0, 6.28), st.sampled_from([0.5, 1.0, 1.7]), st.sampled_from([1, 4, 5]))
def test_any_exposure(cuda, seed, angle, scale, count):
    given = scene(seed, rows=11, columns=9, count=count, size=11, angle=angle, scale=scale)
    assert_same(cuda, given, kernel("square", 0.8, scale))


@pytest.mark.parametrize("box", [(3, 12, 2, 9), (4, 4, 2, 9), (5, 4, 0, 9)])
@pytest.mark.parametrize("name", ["square", "turbo"])
def test_boxes(cuda, box, name):
    assert_same(cuda, scene(rows=12, columns=14, box=Box(*box)), kernel(name))


@pytest.mark.parametrize("tile", [(-3, 5, -2, 9), (30, 40, 5, 12), (3, 3, 0, 5)])
def test_tiles_anywhere(cuda, tile):
    assert_same(cuda, dataclasses.replace(scene(rows=12, columns=14), tile=Tile(*tile)), kernel("square"))


def test_other_types_and_more_planes_go_to_the_portable_function(cuda):
    given = scene(rows=6, columns=7, count=6)
    assert_same(cuda, given, kernel("point"))
    wide = [plane.astype(np.float64) for plane in given.planes[:2]]
    assert_same(cuda, dataclasses.replace(given, planes=wide), kernel("point"))
