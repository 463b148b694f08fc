"""Transform between the science frame of a product and the frame in which the detector is read."""

from dataclasses import dataclass

from gpipe.arrays import Array, Namespace
from gpipe.arrays.detector import DETECTOR_SIZE


@dataclass(frozen=True)
class Orientation:
    """Directions of a detector's readout in the science frame, and first pixel of the array on the detector.

    In the detector frame columns run along the fast read direction and rows along the slow one, both as they are read.

    Attributes
    ----------
    fastaxis, slowaxis : FASTAXIS and SLOWAXIS: 1 or -1 for science columns, 2 or -2 for science rows; a negative
        sign means that the axis is read backwards.
    first_row, first_column : detector row and column of the array's first pixel in the detector frame, from 0.
    """

    fastaxis: int
    slowaxis: int
    first_row: int = 0
    first_column: int = 0

    @classmethod
    def of_window(
        cls, fastaxis: int | None, slowaxis: int | None, *, xstart: int, ystart: int, xsize: int, ysize: int
    ) -> "Orientation":
        """Make the orientation of a part of the detector, by its corner (from 1) and size in the science frame.

        Raises
        ------
        ValueError
            The axes are missing or not a pair that JWST uses.
        """
        if fastaxis is None or slowaxis is None or sorted((abs(fastaxis), abs(slowaxis))) != [1, 2]:
            raise ValueError(f"found FASTAXIS {fastaxis} and SLOWAXIS {slowaxis}, expected one of ±1 and one of ±2")
        extent = {1: (xstart - 1, xsize), 2: (ystart - 1, ysize)}

        def first(axis: int) -> int:
            start, size = extent[abs(axis)]
            return start if axis > 0 else DETECTOR_SIZE - start - size

        return cls(fastaxis, slowaxis, first(slowaxis), first(fastaxis))

    @property
    def transposed(self) -> bool:
        """Tell whether the fast read direction runs along science rows (NIRSpec)."""
        return abs(self.fastaxis) == 2

    def to_detector(self, x: Array, *, xp: Namespace) -> Array:
        """(..., science row, science column) to (..., detector row, detector column)."""
        x = xp.matrix_transpose(x) if self.transposed else x
        return self._flipped(x, xp=xp)

    def to_science(self, x: Array, *, xp: Namespace) -> Array:
        """The inverse of `to_detector`.

        A single detector row or column becomes a science row or column that broadcasts against an image.
        """
        x = self._flipped(x, xp=xp)
        return xp.matrix_transpose(x) if self.transposed else x

    def _flipped(self, x: Array, *, xp: Namespace) -> Array:
        backwards = tuple(axis for axis, read in ((-2, self.slowaxis), (-1, self.fastaxis)) if read < 0)
        return xp.flip(x, axis=backwards) if backwards else x
