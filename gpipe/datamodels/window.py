"""The part of a detector that an array covers."""

from dataclasses import dataclass


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
        """Whether every pixel of this window belongs to ``outer``."""
        return (
            self.xstart >= outer.xstart
            and self.ystart >= outer.ystart
            and self.xstart + self.xsize <= outer.xstart + outer.xsize
            and self.ystart + self.ysize <= outer.ystart + outer.ysize
        )

    def slices_in(self, outer: "Window") -> tuple[slice, slice]:
        """Row and column slices that cut this window out of an array that covers ``outer``."""
        row, column = self.ystart - outer.ystart, self.xstart - outer.xstart
        return slice(row, row + self.ysize), slice(column, column + self.xsize)
