"""The outer rows and columns of an array, where reference pixels are: all that their signals are found from."""

from dataclasses import dataclass

from gpipe.arrays import Array, Namespace
from gpipe.arrays.detector import EDGE
from gpipe.refpix.orientation import Orientation


@dataclass(frozen=True)
class Border:
    """The outer four rows and columns of an array, or all rows or columns if it has fewer.

    Attributes
    ----------
    bottom, top : (..., line, column), the first and the last rows.
    left, right : (..., row, line), the first and the last columns.
    elsewhere : of data, reference pixels within the array, for even and odd detector columns: (..., pixel), NaN where
        they cannot be used; empty where there are none.
    """

    bottom: Array
    top: Array
    left: Array
    right: Array
    elsewhere: tuple[Array, ...] = ()

    @classmethod
    def of(cls, x: Array) -> "Border":
        """Views of ``x`` (..., row, column) where the library has views."""
        rows, columns = x.shape[-2:]
        return cls(
            bottom=x[..., :EDGE, :],
            top=x[..., max(rows - EDGE, 0) :, :],
            left=x[..., :EDGE],
            right=x[..., max(columns - EDGE, 0) :],
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the whole array."""
        return (*self.left.shape[:-1], self.bottom.shape[-1])

    def to_detector(self, at: Orientation, *, xp: Namespace) -> "Border":
        """Turn the border from the science frame to the detector frame."""
        bottom, top, left, right = (at.to_detector(x, xp=xp) for x in (self.bottom, self.top, self.left, self.right))
        if at.transposed:
            bottom, top, left, right = left, right, bottom, top
        if at.slowaxis < 0:
            bottom, top = top, bottom
        if at.fastaxis < 0:
            left, right = right, left
        return Border(bottom, top, left, right, self.elsewhere)

    def integrations(self, some: slice) -> "Border":
        """Select the border of some integrations."""
        bottom, top, left, right = (x[some, ...] for x in (self.bottom, self.top, self.left, self.right))
        return Border(bottom, top, left, right, tuple(x[some, ...] for x in self.elsewhere))

    def as_group(self) -> "Border":
        """Turn a border of (integration, row, column) into one of a single group for each integration."""
        return Border(*(x[:, None, ...] for x in (self.bottom, self.top, self.left, self.right)))
