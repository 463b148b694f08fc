"""Ellipses around connected groups of pixels. Works on the host, on the few pixels of large groups."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import atan2, cos, pi, sin, sqrt

import numpy as np
from array_api_compat import array_namespace, device
from scipy import ndimage
from scipy.spatial import cKDTree

from gpipe.arrays import Array
from gpipe.jump.groups import EIGHT_NEIGHBOURS
from gpipe.jump.groups_host import FindGroups, large_groups

ROUNDING = 1e-9
INSIDE = 1 - ROUNDING
"""Less than 1, so that rounding does not put pixels of the edge of a circle inside."""


@dataclass(frozen=True)
class Ellipse:
    """An ellipse on the detector.

    Attributes
    ----------
    row, column : the centre, pixels.
    major, minor : lengths of the axes, pixels; zero or less for single pixels and lines.
    angle : radian, from the row axis to the major axis, towards increasing columns.
    """

    row: float
    column: float
    major: float
    minor: float
    angle: float

    def grown(self, factor: float, most: float) -> "Ellipse":
        """Both axes longer by what ``factor`` adds to the minor one, and no longer than ``most``."""
        more = (factor - 1) * self.minor
        return replace(self, major=min(self.major + more, most), minor=min(self.minor * factor, most))

    def widened(self, pixels: float, most: float) -> "Ellipse":
        """Both axes longer by some pixels, and no longer than ``most``."""
        return replace(self, major=min(self.major + pixels, most), minor=min(self.minor + pixels, most))

    def holds(self, row: float, column: float) -> bool:
        """Tell whether a point lies in the ellipse or on its edge; False if an axis has length 0."""
        if not (self.major and self.minor):
            return False
        along, across = self._own_frame(row - self.row, column - self.column)
        return (2 * along / self.major) ** 2 + (2 * across / self.minor) ** 2 <= 1

    def _own_frame(self, row, column):
        turn = self.angle % pi
        return row * cos(turn) + column * sin(turn), row * sin(turn) - column * cos(turn)


@dataclass(frozen=True)
class Patch:
    """A mask on a part of an image: ``image[patch.rows, patch.columns][patch.mask]``."""

    rows: slice
    columns: slice
    mask: np.ndarray

    def mask_like(self, x: Array) -> Array:
        """The mask where an array is."""
        return array_namespace(x).asarray(self.mask, device=device(x))


def events(flagged: Array, least_area: float, find_groups: FindGroups = large_groups) -> list[Ellipse]:
    """The ellipses of connected groups of pixels, diagonals included, in the order of their first pixels.

    Small groups are left out before anything of them is measured, so that time does not grow with their number: of n
    pixels a wall can be made around a square of side n / 4 + 1 at most, the wall included.

    Parameters
    ----------
    flagged : bool, (row, column).
    least_area : pixels of the smallest group, enclosed pixels included.
    find_groups : for arrays like ``flagged``.

    Returns
    -------
    Ellipses of the same second moments as the groups, with axes shorter by one pixel.
    """
    place, group = find_groups(flagged, 4 * (sqrt(max(least_area, 0.0)) - 1))
    if not place.size:
        return []
    order = np.argsort(group, kind="stable")
    row, column = np.unravel_index(place[order], flagged.shape)
    sizes = np.unique(group, return_counts=True)[1]
    large, ends = sizes >= least_area, np.cumsum(sizes)
    for n in np.flatnonzero(~large):
        pixels = slice(ends[n] - sizes[n], ends[n])
        large[n] = _area_with_enclosed(row[pixels], column[pixels]) >= least_area
    kept = np.repeat(large, sizes)
    event = np.repeat(np.arange(np.count_nonzero(large)), sizes[large])
    return [_ellipse(*moments) for moments in zip(*_moments(row[kept], column[kept], event), strict=True)]


def _area_with_enclosed(row: np.ndarray, column: np.ndarray) -> int:
    """Count the pixels of a group, enclosed ones included."""
    image = np.zeros((np.ptp(row) + 1, np.ptp(column) + 1), bool)
    image[row - row.min(), column - column.min()] = True
    return int(ndimage.binary_fill_holes(image, EIGHT_NEIGHBOURS).sum())


def _moments(row: np.ndarray, column: np.ndarray, event: np.ndarray) -> list[list[float]]:
    """Mean row and column, and the variances rr, cc and rc, of the pixels of each event.

    Sums are whole numbers, so that symmetric events have symmetric moments.
    """

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(event, weights=values).astype(np.int64)  # exact: doubles hold them

    n, r, c = np.bincount(event), total(row), total(column)
    rr, cc, rc = (
        n * total(x * y) - a * b for x, y, a, b in ((row, row, r, r), (column, column, c, c), (row, column, r, c))
    )
    return [x.tolist() for x in (r / n, c / n, rr / n**2, cc / n**2, rc / n**2)]


def _ellipse(row: float, column: float, rr: float, cc: float, rc: float) -> Ellipse:
    half_spread = sqrt(((rr - cc) / 2) ** 2 + rc**2)
    largest, smallest = (rr + cc) / 2 + half_spread, max((rr + cc) / 2 - half_spread, 0.0)
    angle = 0.5 * atan2(2 * rc, rr - cc) if rr != cc else (pi / 4 if rc > 0 else -pi / 4)
    return Ellipse(row, column, 4 * sqrt(largest) - 1, 4 * sqrt(smallest) - 1, angle)


def with_some_inside(ellipses: Sequence[Ellipse], points: Sequence[tuple[float, float]]) -> list[bool]:
    """Tell of each ellipse whether it holds at least one of the points (row, column)."""
    if not (ellipses and points):
        return [False] * len(ellipses)
    centres = [(e.row, e.column) for e in ellipses]
    reach = [(1 + ROUNDING) * max(abs(e.major), abs(e.minor)) / 2 for e in ellipses]
    near = cKDTree(points).query_ball_point(centres, reach)
    return [any(e.holds(*points[k]) for k in found) for e, found in zip(ellipses, near, strict=True)]


def filled(ellipse: Ellipse, shape: tuple[int, int]) -> Patch | None:
    """The pixels inside an ellipse, its edge excluded, whose centre and half axes are rounded to whole pixels.

    None if an axis rounds to 0 or the ellipse lies outside the image.
    """
    major, minor = round(ellipse.major / 2), round(ellipse.minor / 2)
    if major <= 0 or minor <= 0:
        return None
    whole = replace(ellipse, row=round(ellipse.row), column=round(ellipse.column))
    reach = max(major, minor)
    rows = slice(max(whole.row - reach, 0), min(whole.row + reach + 1, shape[0]))
    columns = slice(max(whole.column - reach, 0), min(whole.column + reach + 1, shape[1]))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return None
    row = np.arange(rows.start, rows.stop)[:, None] - whole.row
    column = np.arange(columns.start, columns.stop)[None, :] - whole.column
    along, across = whole._own_frame(row, column)
    return Patch(rows, columns, (along / major) ** 2 + (across / minor) ** 2 < INSIDE)
