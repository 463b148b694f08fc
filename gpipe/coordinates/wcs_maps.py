"""Pixel maps between the WCS of an exposure and that of a grid."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from gpipe.coordinates.chebyshev import Floats, Rectangle, Transform
from gpipe.coordinates.pixel_map import PixelMap, pixel_map, planes

FEWEST = 10
"""Points of a coarse grid along an axis: all pixels of a smaller exposure."""


def map_to_grid(wcs: Any, shape: tuple[int, int], grid: Any, stepsize: float = 1.0, order: int = 1) -> PixelMap:
    """Find the map of an exposure's pixels to those of a grid, both given by gwcs.

    The bounding box of the exposure is respected, that of the grid is not.

    Parameters
    ----------
    wcs, shape
        WCS of the exposure; its rows and columns.
    grid
        WCS of the grid.
    stepsize, order
        If ``stepsize`` is above 1, coordinates are interpolated by splines of an order, 1 or 3, between points that lie
        so many pixels apart, or less: as ``jwst`` does it, and less exactly than without.
    """
    box, transform = valid_box(wcs, shape), between(wcs, grid)
    coarse = None if stepsize <= 1 else _interpolated(transform, box, stepsize, order)
    return coarse or pixel_map(transform, box)


def between(wcs: Any, grid: Any) -> Transform:
    """Make the function that takes pixels of a WCS to those of another."""

    def transform(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        return grid.invert(*wcs(x, y), with_bounding_box=False)

    return transform


def valid_box(wcs: Any, shape: tuple[int, int]) -> Rectangle:
    """Find the pixels of an exposure whose centres lie in the bounding box of its WCS."""
    return box_within(wcs, shape, first=math.ceil, last=math.floor)


def box_within(
    wcs: Any, shape: tuple[int, int], *, first: Callable[[float], int], last: Callable[[float], int]
) -> Rectangle:
    """Find the pixels of an exposure within the bounding box of its WCS, whose ends ``first`` and ``last`` round."""
    ny, nx = shape
    if wcs.bounding_box is None:
        return Rectangle(0, nx - 1, 0, ny - 1)
    (x0, x1), (y0, y1) = wcs.bounding_box.bounding_box(order="F")
    return Rectangle(max(0, first(x0)), min(nx - 1, last(x1)), max(0, first(y0)), min(ny - 1, last(y1)))


def _interpolated(transform: Transform, box: Rectangle, stepsize: float, order: int) -> PixelMap | None:
    """Interpolate between points of a coarse grid; None if the box is too small, or points have no coordinates."""
    from scipy.interpolate import RectBivariateSpline

    sizes = [int(end - start) + 1 for start, end in box.sides]
    numbers = [max(math.ceil(size / stepsize), min(FEWEST, size)) for size in sizes]
    if max(sizes) <= FEWEST or min(numbers) <= order:
        return None
    x, y = (np.linspace(*side, number) for side, number in zip(box.sides, numbers, strict=True))
    coarse = np.stack(transform(*np.meshgrid(x, y)))
    if not np.isfinite(coarse).all():
        return None
    return planes(
        partial(_spline_band, [RectBivariateSpline(y, x, axis, kx=order, ky=order) for axis in coarse], box), box
    )


def _spline_band(splines: list[Any], box: Rectangle, start: int, stop: int) -> Floats:
    rows, columns = np.arange(start, stop), np.arange(box.x0, box.x1 + 1)
    return np.stack([spline(rows, columns) for spline in splines])
