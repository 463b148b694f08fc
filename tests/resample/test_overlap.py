"""Overlap of quadrilaterals with pixels of the grid, beside exact clipping of polygons."""

from fractions import Fraction

import numpy as np
from helpers.drizzling import area, exact_overlap
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from gpipe.resample import overlap as functions


def overlap(corners, column, row):
    given = [(np.array([float(x)]), np.array([float(y)])) for x, y in corners]
    return float(functions.overlap(given, np.array([float(column)]), np.array([float(row)]), xp=np)[0])


def expected(corners, column, row):
    signed = exact_overlap(corners, column, row)
    return float(max(signed if area(corners_of(corners)) > 0 else -signed, 0))


def corners_of(corners):
    return [(Fraction(x), Fraction(y)) for x, y in corners]


near = st.floats(-3, 3, allow_subnormal=False)
on_a_side = st.sampled_from([-1.5, -0.5, 0.5, 1.5])
coordinate = near | on_a_side | st.floats(-1000, 1000) | st.floats(-1e-9, 1e-9)
quads = st.lists(st.tuples(coordinate, coordinate), min_size=4, max_size=4)


@settings(deadline=None, max_examples=200)
@given(quads, st.integers(-2, 2), st.integers(-2, 2))
@example([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)], 0, 0)
@example([(-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, -0.5)], 0, 0)
@example([(-500.0, -500.0), (500.0, -500.0), (500.0, 500.0), (-500.0, 500.0)], 1, 1)
@example([(0.25, 0.25), (0.25 + 1e-7, 0.25), (0.25 + 1e-7, 0.25 + 1e-7), (0.25, 0.25 + 1e-7)], 0, 0)
def test_any_quadrilateral(corners, column, row):
    """Those that wind both ways too; of a sliver that is all rounding not even the sign is known."""
    size, whole = max(abs(z) for corner in corners for z in corner), abs(float(area(corners_of(corners))))
    extent = max(max(side) - min(side) for side in zip(*corners, strict=True))
    assume(whole > 1e-9 * extent * size)
    found, exact = overlap(corners, column, row), expected(corners, column, row)
    assert abs(found - exact) <= 1e-12 * max(1, size) ** 2 + 1e-12 * whole


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 3), st.booleans())
def test_parts_add_up_to_the_whole(seed, size, reverse):
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * np.pi, 4))
    corners = [(5 + size * np.cos(a), 5 + size * np.sin(a)) for a in angles][:: -1 if reverse else 1]
    given = [(np.full((11, 11), x), np.full((11, 11), y)) for x, y in corners]
    column, row = np.meshgrid(np.arange(11.0), np.arange(11.0))
    whole = abs(float(area(corners_of(corners))))
    np.testing.assert_allclose(functions.overlap(given, column, row, xp=np).sum(), whole, rtol=1e-9, atol=1e-12)


def test_no_area_and_no_number_overlap_nothing():
    line = [(0.0, 0.0), (1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]
    point = [(0.1, 0.1)] * 4
    unknown = [(np.nan, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
    assert [overlap(corners, 0, 0) for corners in (line, point, unknown)] == [0, 0, 0]
