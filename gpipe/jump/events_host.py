"""Connected groups of flagged pixels, and the ellipses that stand for them. Works on the host: labels need SciPy."""

from dataclasses import dataclass, replace
from math import atan2, cos, pi, sin, sqrt

import numpy as np
from scipy import ndimage

EIGHT_NEIGHBOURS = np.ones((3, 3), bool)
INSIDE = 1 - 1e-9
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
    kept = np.where(large, np.cumsum(large), 0).astype(labels.dtype)[labels]
    found = []
    for number, box in enumerate(ndimage.find_objects(kept), start=1):
        mask = kept[box] == number
        if mask.sum() >= least_area or ndimage.binary_fill_holes(mask, EIGHT_NEIGHBOURS).sum() >= least_area:
            found.append(_ellipse(mask, box))
    return found


def _ellipse(mask: np.ndarray, box: tuple[slice, slice]) -> Ellipse:
    rows, columns = np.nonzero(mask)
    row, column = rows.mean(), columns.mean()
    rr, cc = np.mean((rows - row) ** 2), np.mean((columns - column) ** 2)
    rc = np.mean((rows - row) * (columns - column))
    half_spread = sqrt(((rr - cc) / 2) ** 2 + rc**2)
    largest, smallest = (rr + cc) / 2 + half_spread, max((rr + cc) / 2 - half_spread, 0.0)
    angle = 0.5 * atan2(2 * rc, rr - cc) if rr != cc else (pi / 4 if rc > 0 else -pi / 4)
    return Ellipse(
        float(row + box[0].start), float(column + box[1].start), 4 * sqrt(largest) - 1, 4 * sqrt(smallest) - 1, angle
    )


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
