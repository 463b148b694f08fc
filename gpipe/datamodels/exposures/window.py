"""The part of a detector that an array covers."""

from dataclasses import dataclass

import numpy as np

from gpipe.arrays.detector import DETECTOR_SIZE


@dataclass(frozen=True)
class Window:
    """A rectangle of detector pixels, by JWST's keywords: corners counted from 1, in the science (DMS) frame.

    ``xstart``/``xsize`` run along columns (SUBSTRT1, SUBSIZE1), ``ystart``/``ysize`` along rows (SUBSTRT2, SUBSIZE2).
    """

    xstart: int
    ystart: int
    xsize: int
    ysize: int

    def inside(self, outer: "Window") -> bool:
        """Tell whether every pixel of this window belongs to ``outer``."""
        return (
            self.xstart >= outer.xstart
            and self.ystart >= outer.ystart
            and self.xstart + self.xsize <= outer.xstart + outer.xsize
            and self.ystart + self.ysize <= outer.ystart + outer.ysize
        )

    def overlap(self, other: "Window") -> "Window | None":
        """The pixels that belong to both windows; None if there are none."""
        x, y = max(self.xstart, other.xstart), max(self.ystart, other.ystart)
        xsize = min(self.xstart + self.xsize, other.xstart + other.xsize) - x
        ysize = min(self.ystart + self.ysize, other.ystart + other.ysize) - y
        return Window(x, y, xsize, ysize) if xsize > 0 and ysize > 0 else None

    def part(self, rows: slice | None, columns: slice | None) -> "Window":
        """The part of this window that has these of its rows and columns, counted from 0; None for all of them."""
        rows, columns = rows or slice(0, self.ysize), columns or slice(0, self.xsize)
        corner = self.xstart + columns.start, self.ystart + rows.start
        return Window(*corner, columns.stop - columns.start, rows.stop - rows.start)

    def __str__(self) -> str:
        columns, rows = self.xstart + self.xsize - 1, self.ystart + self.ysize - 1
        return f"columns {self.xstart}-{columns}, rows {self.ystart}-{rows}"

    def slices_in(self, outer: "Window") -> tuple[slice, slice]:
        """Row and column slices that cut this window out of an array that covers ``outer``."""
        row, column = self.ystart - outer.ystart, self.xstart - outer.xstart
        return slice(row, row + self.ysize), slice(column, column + self.xsize)


@dataclass(frozen=True)
class StripedWindow(Window):
    """Lines of the detector that are read in stripes, within the rectangle that holds them all.

    Attributes
    ----------
    lines : for each row (or column) of the array, that of the rectangle, counted from 0.
    along_rows : whether they are rows.
    packed : the keywords as they are: references made for the same subarray have the same.
    """

    lines: tuple[int, ...]
    along_rows: bool
    packed: Window

    def arrange(self, rectangle: np.ndarray) -> np.ndarray:
        """The array's pixels, from those of the rectangle in the last two axes."""
        return np.take(rectangle, self.lines, axis=-2 if self.along_rows else -1)


_DETECTORS = {
    "FGS": Window(1, 1, DETECTOR_SIZE, DETECTOR_SIZE),
    "MIRI": Window(1, 1, 1032, 1024),
    "NIRCAM": Window(1, 1, DETECTOR_SIZE, DETECTOR_SIZE),
    "NIRISS": Window(1, 1, DETECTOR_SIZE, DETECTOR_SIZE),
    "NIRSPEC": Window(1, 1, DETECTOR_SIZE, DETECTOR_SIZE),
}


def full_frame(instrument: str) -> Window | None:
    """The whole detector of an instrument, reference pixels included; None when JWST has no such instrument."""
    return _DETECTORS.get(instrument.strip().upper())
