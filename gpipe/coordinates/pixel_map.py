"""The way from pixels of an exposure to pixels of a grid, and back, without a plane of coordinates."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from gpipe.coordinates.chebyshev import Fit, Floats, Rectangle, Surface, Transform, fit, fit_points

ACCURACY = 1e-6
"""Pixels of the grid: an error changes an output pixel by twice as much of the contrast between neighbours."""
DEGREES = (8, 12, 16)
TILES = (2, 4, 8, 16)
INVERSE_DEGREES = 6
SAMPLES = 33
"""Columns and rows whose crossings the inverse is fitted to: all those of a smaller box."""
Band = Callable[[int, int], Floats]
"""Takes a first row, and the row after the last, to coordinates of their pixels."""


@dataclass(frozen=True)
class PixelMap:
    """Takes centres of an exposure's pixels to pixels of a grid; pixel centres are whole numbers, from 0.

    Attributes
    ----------
    box : first and last column, first and last row that the map holds for, all whole numbers; the rest of the exposure
        lies outside the bounding box of its WCS. Empty (``x1 < x0`` or ``y1 < y0``) if no pixel lies in it.
    surface : columns and rows in the grid, over ``box``; None where no polynomial is near enough, see `band`.
    bound : the greatest error of ``surface``, pixels of the grid; 0 without one.
    inverse : columns and rows in the exposure, over the rectangle that the box fills in the grid; rough, to find
        candidates with. None if the map gives no coordinates at all.
    inverse_error : the greatest error of ``inverse``, pixels of the exposure: twice that at samples.
    band : takes a first row of ``box`` and the row after the last to coordinates in the grid of all pixels of
        ``box`` in these rows, with axes (column or row, row, column); NaN where the map is not defined.
    """

    box: Rectangle
    surface: Surface | None
    bound: float
    inverse: Surface | None
    inverse_error: float
    band: Band


def pixel_map(transform: Transform, box: Rectangle) -> PixelMap:
    """Find the map of a transform over a box of pixels, as near as `ACCURACY`, by as few values as will do."""
    if box.x1 < box.x0 or box.y1 < box.y0:
        return PixelMap(box, None, 0.0, None, np.inf, partial(_transformed, transform, box))
    found = _best_fit(transform, box)
    if found is None:
        return planes(partial(_transformed, transform, box), box)
    surface = found.surface
    inverse, error = _inverse(surface.grid, box)
    return PixelMap(box, surface, found.bound, inverse, error, partial(_from_surface, surface, box))


def planes(band: Band, box: Rectangle) -> PixelMap:
    """Make a map of which every pixel is evaluated, by bands of rows."""
    inverse, error = _inverse(partial(_samples, band, box), box)
    return PixelMap(box, None, 0.0, inverse, error, band)


def _best_fit(transform: Transform, box: Rectangle) -> Fit | None:
    """Try more degrees, then smaller tiles; None where the transform is not defined or none is near enough."""
    for degrees, tiles in [*((degrees, 1) for degrees in DEGREES), *((DEGREES[-1], tiles) for tiles in TILES)]:
        found = fit(transform, box, degrees, tiles)
        if np.isnan(found.bound):
            return None
        if found.bound <= ACCURACY:
            return found
    return None


def _columns(box: Rectangle) -> Floats:
    return np.arange(box.x0, box.x1 + 1)


def _from_surface(surface: Surface, box: Rectangle, start: int, stop: int) -> Floats:
    return surface.grid(_columns(box), np.arange(start, stop, dtype=np.float64))


def _transformed(transform: Transform, box: Rectangle, start: int, stop: int) -> Floats:
    x, y = np.meshgrid(_columns(box), np.arange(start, stop, dtype=np.float64))
    return np.stack(transform(x, y))


def _samples(band: Band, box: Rectangle, x: Floats, y: Floats) -> Floats:
    """Coordinates where some columns and rows cross."""
    columns = (x - box.x0).astype(np.intp)
    return np.concatenate([band(row, row + 1)[..., columns] for row in y.astype(int).tolist()], axis=1)


def _inverse(at: Callable[[Floats, Floats], Floats], box: Rectangle) -> tuple[Surface | None, float]:
    """Fit the way back to samples, and measure its error there."""
    x, y = (np.unique(np.round(np.linspace(*side, SAMPLES))) for side in box.sides)
    there = at(x, y).reshape(2, -1)
    here = np.stack(np.meshgrid(x, y)).reshape(2, -1)
    known = np.isfinite(there).all(0)
    if not known.any():
        return None, np.inf
    there, here = there[:, known], here[:, known]
    surface = fit_points(there[0], there[1], here, INVERSE_DEGREES)
    return surface, 2 * float(np.max(np.abs(np.stack(surface(there[0], there[1])) - here)))
