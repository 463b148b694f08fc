"""Exposures and grids for tests of drizzle, and the sums by the definition, pixel by pixel."""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from gpipe.coordinates.chebyshev import Rectangle
from gpipe.coordinates.pixel_map import pixel_map, planes
from gpipe.resample.placement import Box, Placement, Tile, place


def transform(*, angle=0.1, scale=1.0, shift=(3.2, 4.7), bend=0.01, size=40, mirrored=False):
    """A turned, scaled and distorted frame; ``scale`` is that of the grid over that of the exposure."""
    middle, sign = (size - 1) / 2, -1 if mirrored else 1

    def to_grid(x, y):
        u, v = sign * (x - middle) / size, (y - middle) / size
        a, b = u + bend * (u * u - u * v / 2), v + bend * (v**3 + 0.3 * u * v)
        c, s = math.cos(angle) * size / scale, math.sin(angle) * size / scale
        return c * a - s * b + middle / scale + shift[0], s * a + c * b + middle / scale + shift[1]

    return to_grid


@dataclass(frozen=True)
class Scene:
    """An exposure and its place in a grid."""

    planes: list
    weight: np.ndarray
    dq: np.ndarray
    placement: Placement
    tile: Tile

    @property
    def arrays(self):
        return self.planes, self.weight, self.placement, self.tile


def scene(seed=1, *, rows=24, columns=31, box=None, count=4, as_planes=False, **frame):
    """Noise with all kinds of weights; NaN where the weight is 0."""
    rng = np.random.default_rng(seed)
    shape, scale = (rows, columns), frame.get("scale", 1.0)
    weight = rng.uniform(0.5, 2, shape).astype(np.float32)
    weight[rng.random(shape) < 0.1] = 0
    weight[rng.random(shape) < 0.02] = np.nan
    arrays = [rng.normal(10, 3, shape).astype(np.float32) for _ in range(count)]
    for plane in arrays:
        plane[~(weight > 0)] = np.nan
    dq = (1 << rng.integers(0, 31, shape)).astype(np.uint32)
    placed = placement(shape, box or Box(0, columns - 1, 0, rows - 1), transform(**frame), as_planes=as_planes)
    size = math.ceil(1.2 * max(rows, columns) / scale) + 8
    return Scene(arrays, weight, dq, placed, Tile(0, size, 0, size + 3))


def placement(shape, box, to_grid, *, first_row=0, rows=None, as_planes=False):
    """Rows of an exposure in a grid; all without ``rows``."""
    whole = Rectangle(*map(float, box))
    if as_planes:
        found = planes(lambda start, stop: np.stack(to_grid(*np.meshgrid(*_pixels(box, start, stop)))), whole)
    else:
        found = pixel_map(to_grid, whole)
    return place(found, shape, first_row=first_row, rows=rows)


def _pixels(box, start, stop):
    return np.arange(box.x0, box.x1 + 1.0), np.arange(start, stop, dtype=float)


def exact_overlap(corners, column, row):
    """Signed area of a polygon in a unit square: clipped side by side, in fractions."""
    half = Fraction(1, 2)
    polygon = [(Fraction(x), Fraction(y)) for x, y in corners]
    for axis, edge, sign in ((0, column - half, 1), (0, column + half, -1), (1, row - half, 1), (1, row + half, -1)):
        polygon = _clipped(polygon, axis, edge, sign)
    return area(polygon)


def area(polygon):
    pairs = zip(polygon, polygon[1:] + polygon[:1], strict=True)
    return sum((a[0] * b[1] - b[0] * a[1] for a, b in pairs), Fraction(0)) / 2


def _clipped(polygon, axis, edge, sign):
    """Sutherland and Hodgman: the part of a polygon on one side of a line."""
    found = []
    for here, there in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        a, b = sign * (here[axis] - edge), sign * (there[axis] - edge)
        if a >= 0:
            found.append(here)
        if a * b < 0:
            t = a / (a - b)
            found.append(tuple(p + t * (q - p) for p, q in zip(here, there, strict=True)))
    return found
