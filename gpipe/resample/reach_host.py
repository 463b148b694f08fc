"""Rows of an exposure that reach a band of a grid's rows."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from gpipe.coordinates.pixel_map import PixelMap

BLOCK_ROWS = 32
"""Rows of the exposure that are asked for together: of each block the first and the last row are looked at."""
COLUMNS = 33
MARGIN = 3.0
"""Rows of the grid by which a block may bulge between the points that are looked at, and corners leave centres."""


@dataclass(frozen=True)
class Reach:
    """Rows of the grid that blocks of an exposure's rows reach.

    Attributes
    ----------
    starts : first rows of the blocks, and the row after the last one.
    low, high : the least and the greatest row of the grid of each block; NaN for one that has no place in it.
    """

    starts: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def rows(self, first: int, end: int, half_width: float) -> slice | None:
        """Find the rows of the exposure with light in rows of the grid; None if there are none.

        ``half_width`` is the distance in the grid from a pixel's centre to the farthest pixel with its light.
        """
        margin = MARGIN + half_width
        found = np.flatnonzero((self.high + margin >= first) & (self.low - margin < end))
        return slice(int(self.starts[found[0]]), int(self.starts[found[-1] + 1])) if len(found) else None


def reach_of(pixel_map: PixelMap) -> Reach:
    """Look at the places of some pixels of each block."""
    box = pixel_map.box
    first, end = int(box.y0), int(box.y1) + 1
    starts = np.append(np.arange(first, end, BLOCK_ROWS), max(end, first))
    columns = np.unique(np.linspace(0, max(box.x1 - box.x0, 0), COLUMNS).round().astype(int))
    ends = [(int(start), int(stop) - 1) for start, stop in pairwise(starts)]
    places = [[_rows_in_grid(pixel_map, row, columns) for row in pair] for pair in ends]
    low, high = ([_known(each, least) for each in places] for least in (np.fmin, np.fmax))
    return Reach(starts, np.array(low), np.array(high))


def _rows_in_grid(pixel_map: PixelMap, row: int, columns: np.ndarray) -> np.ndarray:
    return pixel_map.band(row, row + 1)[1, 0, columns]


def _known(places: list[np.ndarray], extreme: np.ufunc) -> float:
    return float(extreme.reduce(np.concatenate(places)))
