"""Connected groups of flagged pixels, and the ellipses that stand for them. Works on the host: labels need SciPy."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import atan2, cos, pi, sin, sqrt

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

EIGHT_NEIGHBOURS = np.ones((3, 3), bool)
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
        """Whether a point lies in the ellipse or on its edge. An axis of length 0 holds nothing."""
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


def events(flagged: np.ndarray, least_area: float) -> list[Ellipse]:
    """The ellipses of connected groups of pixels, diagonals included, in the order of their first pixels.

    Small groups are left out before anything of them is measured, so that time does not grow with their number: of n
    pixels a wall can be made around a square of side n / 4 + 1 at most, the wall included.

    Parameters
    ----------
    flagged : bool, (row, column).
    least_area : pixels of the smallest group, enclosed pixels included.

    Returns
    -------
    Ellipses of the same second moments as the groups, with axes shorter by one pixel.
    """
    if not flagged.any():
        return []
    labels, count = ndimage.label(flagged, EIGHT_NEIGHBOURS)
    area = np.bincount(labels.ravel(), minlength=count + 1)
    large = area >= 4 * (sqrt(max(least_area, 0.0)) - 1)
    large[0] = False
    if not large.any():
        return []
    small = np.flatnonzero(large & (area < least_area))
    large[small] = _enclose(labels, small, least_area)
    kept = np.where(large, np.cumsum(large), 0).astype(labels.dtype)[labels]
    return [_ellipse(*moments) for moments in zip(*_moments(kept), strict=True)]


def _enclose(labels: np.ndarray, groups: np.ndarray, least_area: float) -> list[bool]:
    """Which of some groups of pixels are large enough with the pixels that they enclose."""
    boxes = ndimage.find_objects(labels) if groups.size else []
    filled_up = (ndimage.binary_fill_holes(labels[boxes[n - 1]] == n, EIGHT_NEIGHBOURS) for n in groups)
    return [bool(mask.sum() >= least_area) for mask in filled_up]


def _moments(labels: np.ndarray) -> list[list[float]]:
    """Mean row and column, and the variances rr, cc and rc, of the pixels with each label from 1 on.

    Sums are whole numbers, so that symmetric groups have symmetric moments.
    """
    rows, columns = (x.astype(np.int64) for x in np.nonzero(labels))
    label = labels[rows, columns] - 1

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(label, weights=values).astype(np.int64)  # exact: doubles hold them

    n, r, c = np.bincount(label), total(rows), total(columns)
    rr, cc, rc = (
        n * total(x * y) - a * b for x, y, a, b in ((rows, rows, r, r), (columns, columns, c, c), (rows, columns, r, c))
    )
    return [x.tolist() for x in (r / n, c / n, rr / n**2, cc / n**2, rc / n**2)]


def _ellipse(row: float, column: float, rr: float, cc: float, rc: float) -> Ellipse:
    half_spread = sqrt(((rr - cc) / 2) ** 2 + rc**2)
    largest, smallest = (rr + cc) / 2 + half_spread, max((rr + cc) / 2 - half_spread, 0.0)
    angle = 0.5 * atan2(2 * rc, rr - cc) if rr != cc else (pi / 4 if rc > 0 else -pi / 4)
    return Ellipse(row, column, 4 * sqrt(largest) - 1, 4 * sqrt(smallest) - 1, angle)


def with_some_inside(ellipses: Sequence[Ellipse], points: Sequence[tuple[float, float]]) -> list[bool]:
    """Which ellipses hold at least one of some points (row, column)."""
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
