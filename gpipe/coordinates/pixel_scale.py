"""Sizes of pixels on the sky."""

from typing import Any

import numpy as np

from gpipe.coordinates.chebyshev import Floats, Rectangle
from gpipe.coordinates.sphere import polygon_area, separation
from gpipe.coordinates.wcs_maps import box_within

BORDER_STEP = 15
"""Pixels between vertices along a border, at most."""


def scale_at(wcs: Any, ra: float, dec: float) -> float:
    """Measure the pixel scale at a position, degrees: the geometric mean of a step along x and one along y."""
    with np.errstate(invalid="ignore"):
        x, y = (float(t) for t in wcs.invert(ra, dec, with_bounding_box=False))
    lon, lat = wcs(np.array([x, x + 1, x]), np.array([y, y, y + 1]), with_bounding_box=False)
    along_x, along_y = separation(lon[0], lat[0], lon[1:], lat[1:])
    return float(np.sqrt(along_x * along_y))


def mean_pixel_area(wcs: Any, shape: tuple[int, int]) -> float | None:
    """Measure the mean area of pixels, steradian: of the polygon along the border of the bounding box, over its pixels.

    The polygon runs through pixel centres. None if there is no such polygon.
    """
    box = _inner_box(wcs, shape)
    while box.x0 < box.x1 and box.y0 < box.y1:
        sides = _border(box)
        ra, dec = wcs(*np.concatenate(sides, axis=1))
        lost = [not known for known in _known_sides(ra, dec, sides)]
        if not any(lost):
            return polygon_area(ra, dec) / ((box.x1 - box.x0) * (box.y1 - box.y0))
        bottom, right, top, left = lost
        box = Rectangle(box.x0 + left, box.x1 - right, box.y0 + bottom, box.y1 - top)
    return None


def _inner_box(wcs: Any, shape: tuple[int, int]) -> Rectangle:
    """Pixels whose area lies in the bounding box."""
    return box_within(wcs, shape, first=lambda start: int(start + 0.5), last=lambda end: int(end - 0.5))


def _border(box: Rectangle) -> list[Floats]:
    """Points of the bottom, right, top and left side of a box; a side's end is the next one's beginning."""
    x, y = _steps(box.x0, box.x1), _steps(box.y0, box.y1)
    across, up = box.x0 + box.x1 - x, box.y0 + box.y1 - y
    corners = [(x, np.full_like(x, box.y0)), (np.full_like(y, box.x1), y)]
    return [np.stack(side) for side in [*corners, (across, np.full_like(x, box.y1)), (np.full_like(up, box.x0), up)]]


def _steps(start: float, end: float) -> Floats:
    pixels = int(end - start)
    step = min(pixels // 4, BORDER_STEP) or pixels + 1
    return np.linspace(start, end, int(np.ceil((pixels + 1) / step)), endpoint=False)


def _known_sides(ra: Floats, dec: Floats, sides: list[Floats]) -> list[bool]:
    ends = np.cumsum([side.shape[1] for side in sides])[:-1]
    return [bool(known.all()) for known in np.split(np.isfinite(ra) & np.isfinite(dec), ends)]
