"""Drizzle beside its definition, pixel by pixel, and what must hold whatever the exposure."""

import dataclasses
import math

import numpy as np
import pytest
from helpers.drizzling import area, exact_overlap, placement, scene, transform
from hypothesis import given, settings
from hypothesis import strategies as st

from gpipe.resample.drizzle import drizzle
from gpipe.resample.kernels import NAMES, kernel
from gpipe.resample.placement import Box, Tile

KERNELS = [("square", 1.0), ("square", 0.6), *((name, 0.8) for name in NAMES[1:])]


def test_every_kernel_by_its_definition():
    """A pixel of the exposure at a time, with exact overlaps and the formulas of the kernels."""
    for name, pixfrac in KERNELS:
        for scale in (0.6, 1.0, 1.4):
            given = scene(rows=5, columns=6, scale=scale, angle=0.4, bend=0.05)
            found = drizzle(*given.arrays, kernel(name, pixfrac, scale), dq=given.dq)
            sums, flags = by_definition(given, name, pixfrac, scale)
            np.testing.assert_allclose(found.sums, sums, rtol=1e-9, atol=1e-9, err_msg=f"{name} {scale}")
            np.testing.assert_array_equal(found.dq, flags, err_msg=name)


def by_definition(given, name, pixfrac, scale):
    sums, flags = np.zeros((*given.tile.shape, len(given.planes) + 1)), np.zeros(given.tile.shape, np.uint32)
    at = transform(scale=scale, angle=0.4, bend=0.05)
    rows, columns = given.weight.shape
    for j, i in np.ndindex(rows, columns):
        if not given.weight[j, i] > 0:
            continue
        values = np.array([*(plane[j, i] for plane in given.planes), 1], float)
        share = shares(name, pixfrac, scale, at, i, j, (columns, rows), given.tile) * float(given.weight[j, i])
        sums += share[..., None] * values
        flags |= np.where(share > 0, given.dq[j, i], 0).astype(np.uint32)
    return sums, flags


def shares(name, pixfrac, scale, at, i, j, size, tile):
    row, column = (np.arange(n, dtype=float) for n in tile.shape)
    if name == "square":
        quad = [
            corner(at, i, j, sx * pixfrac / 2, sy * pixfrac / 2, size)
            for sx, sy in ((-1, -1), (1, -1), (1, 1), (-1, 1))
        ]
        whole = area([tuple(map(float, c)) for c in quad])
        found = np.zeros(tile.shape)
        x, y = zip(*quad, strict=True)
        for b in range(max(round(min(y)), 0), min(round(max(y)), tile.end_row - 1) + 1):
            for a in range(max(round(min(x)), 0), min(round(max(x)), tile.end_column - 1) + 1):
                found[b, a] = exact_overlap(quad, a, b) / whole
        return np.where(found > 1e-12, found, 0)
    x, y = at(float(i), float(j))
    if name == "point":
        return np.outer(row == math.floor(y + 0.5), column == math.floor(x + 0.5)).astype(float)
    if name == "turbo":
        r = pixfrac / scale / 2
        sides = [
            np.clip(np.minimum(z + r, n + 0.5) - np.maximum(z - r, n - 0.5), 0, None)
            for z, n in ((y, row), (x, column))
        ]
        return np.outer(*sides) * scale**2 / pixfrac**2
    if name == "gaussian":
        e = 2.3548**2 * scale**2 / (2 * pixfrac**2)
        r = max(2.5 * pixfrac / 2.3548, 1.2) / scale
        near = [(n >= math.floor(z - r + 0.5)) & (n <= math.floor(z + r + 0.5)) for z, n in ((y, row), (x, column))]
        return np.outer(*near) * e / np.pi * np.exp(-e * np.add.outer((row - y) ** 2, (column - x) ** 2))
    n = int(name[-1])
    return np.outer(*(lanczos(np.abs(z - line) * scale, n) for z, line in ((y, row), (x, column))))


def lanczos(distance, n):
    steps = np.floor(distance / 0.003 + 0.5) * 0.003
    return np.where((distance <= n) & (steps < n), np.sinc(steps) * np.sinc(steps / n), 0)


def corner(at, i, j, dx, dy, size):
    """Linear between centres, beyond the outermost ones too."""

    def around(centre, step, count):
        other = centre + (1 if step > 0 else -1)
        inside = 0 <= other < count
        return (other, abs(step)) if inside else (centre - (1 if step > 0 else -1), -abs(step))

    (i2, u), (j2, v) = around(i, dx, size[0]), around(j, dy, size[1])
    p = [np.array(at(float(a), float(b))) for a, b in ((i, j), (i2, j), (i, j2), (i2, j2))]
    return tuple((1 - v) * ((1 - u) * p[0] + u * p[1]) + v * ((1 - u) * p[2] + u * p[3]))


@pytest.mark.parametrize("name", NAMES)
def test_every_library(library, name):
    given = scene(rows=9, columns=8, count=2, scale=0.8)
    expected = drizzle(*given.arrays, kernel(name, 0.7, 0.8), dq=given.dq)

    def run(first, second, weight, dq):
        return drizzle([first, second], weight, given.placement, given.tile, kernel(name, 0.7, 0.8), dq=dq)

    found = library.run(run, *given.planes, given.weight, given.dq)
    if found.sums.dtype == np.float64:
        np.testing.assert_array_equal(found.sums, expected.sums)
        np.testing.assert_array_equal(found.dq, expected.dq)
    else:
        far = np.abs(found.sums - expected.sums) > 1e-4 * np.max(np.abs(expected.sums))
        assert np.mean(far) < 0.02, "places in float32 are good to a few 1e-6 pixels"


@pytest.mark.parametrize(("name", "pixfrac"), KERNELS)
@pytest.mark.parametrize("as_planes", [False, True])
def test_any_tiles_and_rows_in_hand_give_the_same_bits(name, pixfrac, as_planes):
    given, shape = scene(as_planes=as_planes, angle=0.3), kernel(name, pixfrac)
    whole = drizzle(*given.arrays, shape, dq=given.dq)
    for first, end in ((0, 5), (5, 6), (6, given.tile.end_row)):
        tile = Tile(first, end, 3, 20)
        part = drizzle(given.planes, given.weight, given.placement, tile, shape, dq=given.dq)
        np.testing.assert_array_equal(part.sums, whole.sums[first:end, 3:20])
        np.testing.assert_array_equal(part.dq, whole.dq[first:end, 3:20])
    at = transform(angle=0.3)
    rows = slice(2, 22)
    placed = placement(given.weight.shape, given.placement.box, at, first_row=2, rows=20, as_planes=as_planes)
    tile = Tile(12, 16, 0, given.tile.end_column)
    part = drizzle([p[rows] for p in given.planes], given.weight[rows], placed, tile, shape)
    _, column = np.indices((4, given.tile.end_column))
    inner = (column > 8) & (column < 20)
    np.testing.assert_array_equal(part.sums[inner], whole.sums[12:16][inner])


@settings(deadline=None, max_examples=25)
@given(
    st.floats(0, 6.28),
    st.sampled_from([0.4, 0.7, 1.0, 1.7]),
    st.sampled_from([0.2, 0.8, 1.0]),
    st.booleans(),
    st.sampled_from(["square", "turbo", "point"]),
)
def test_light_is_conserved(angle, scale, pixfrac, mirrored, name):
    """As long as no pixel reaches beyond the tile. Turbo conserves it for pixels of one size."""
    given = scene(rows=12, columns=10, size=11, angle=angle, scale=scale, mirrored=mirrored, shift=(20, 20))
    size = math.ceil(12 / scale) + 40
    found = drizzle(given.planes, given.weight, given.placement, Tile(0, size, 0, size), kernel(name, pixfrac, scale))
    good = given.weight > 0
    expected = [*(np.sum(p[good] * given.weight[good].astype(float)) for p in given.planes)]
    expected.append(np.sum(given.weight[good].astype(float)))
    np.testing.assert_allclose(found.sums.sum(axis=(0, 1)), expected, rtol=1e-9)


def test_the_identity_gives_the_exposure_back():
    given = scene(angle=0.0, bend=0.0, shift=(0.0, 0.0))
    shape = given.weight.shape
    tile = Tile(0, shape[0], 0, shape[1])
    sums = drizzle(given.planes, given.weight, given.placement, tile, kernel("square")).sums
    good = given.weight > 0
    np.testing.assert_allclose(sums[good, -1], given.weight[good], rtol=1e-12)
    np.testing.assert_allclose(sums[good, 0] / sums[good, -1], given.planes[0][good], rtol=1e-11)
    assert not sums[~good].any()


def test_a_ring_inside_the_box_does_not_count_for_squares_only():
    box = Box(4, 35, 0, 29)
    square, turbo = (placement((30, 40), box, transform()).counted(30, ring=ring) for ring in (True, False))
    assert square == Box(5, 34, 0, 29)
    assert turbo == box


def test_values_without_a_number_stay_in_their_plane():
    given = scene()
    given.weight[10, 10] = 1
    for plane in given.planes:
        plane[10, 10] = 2
    given.planes[1][10, 10] = np.nan
    found = drizzle(*given.arrays, kernel("square")).sums
    assert np.isnan(found[..., 1]).any()
    assert np.isfinite(found[..., [0, 2, 3, 4]]).all()


@pytest.mark.parametrize("box", [Box(0, -1, 0, -1), Box(3, 3, 0, 29), Box(0, 30, 4, 4)])
def test_boxes_of_nothing_or_one_line_have_no_squares(box):
    given = scene(rows=30, columns=31)
    placed = placement(given.weight.shape, box, transform())
    found = drizzle(given.planes, given.weight, placed, given.tile, kernel("square"), dq=given.dq)
    assert not found.sums.any()
    assert not found.dq.any()


def test_an_exposure_without_a_place_has_no_light():
    given = scene()
    nowhere = dataclasses.replace(given.placement, inverse=None)
    assert not drizzle(given.planes, given.weight, nowhere, given.tile, kernel("turbo")).sums.any()


def test_unknown_kernels_are_refused():
    with pytest.raises(ValueError, match="kernel: found 'round'; expected one of square, gaussian"):
        kernel("round")
