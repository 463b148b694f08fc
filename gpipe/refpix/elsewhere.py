"""Reference pixels of a subarray away from the edges where it is searched for them: users flag dark pixels as such."""

from array_api_compat import array_namespace, device

import gpipe.dq as dq
from gpipe.arrays import Array
from gpipe.arrays.detector import DETECTOR_SIZE, EDGE
from gpipe.refpix.orientation import Orientation

Margins = tuple[tuple[int, int], tuple[int, int]]
KINDS = 2
"""Even and odd columns of the detector, counted from 0."""


def margins(at: Orientation, height: int, width: int) -> Margins:
    """Count the rows at the bottom and top, and columns left and right, that are edges of the detector.

    Four on each side for an array that reaches no edge. Everything is in the detector frame.
    """

    def of_axis(first: int, size: int) -> tuple[int, int]:
        return min(max(EDGE - first, 0), size), min(max(first + size - DETECTOR_SIZE + EDGE, 0), size)

    rows, columns = of_axis(at.first_row, height), of_axis(at.first_column, width)
    return (rows, columns) if any(rows + columns) else ((EDGE, EDGE), (EDGE, EDGE))


def interior(at: Orientation, shape: tuple[int, ...]) -> tuple[range, range]:
    """Rows and columns within the `margins` of an array of this shape; both in the science frame."""
    height, width = reversed(shape) if at.transposed else shape
    (below, above), (before, after) = margins(at, height, width)
    rows, columns = (below, height - above), (before, width - after)
    rows = rows if at.slowaxis > 0 else (height - rows[1], height - rows[0])
    columns = columns if at.fastaxis > 0 else (width - columns[1], width - columns[0])
    return (range(*columns), range(*rows)) if at.transposed else (range(*rows), range(*columns))


def flagged_within(pixeldq: Array, rows: range, columns: range, *, first_row: int = 0) -> Array:
    """Reference pixels that can be used within some rows and columns: bool, like ``pixeldq``.

    Parameters
    ----------
    pixeldq : uint32, (row, column). They have REFERENCE_PIXEL and not DO_NOT_USE.
    first_row : which row of the array ``pixeldq`` begins with.
    """
    xp = array_namespace(pixeldq)
    row = xp.arange(first_row, first_row + pixeldq.shape[0], dtype=xp.int32, device=device(pixeldq))[:, None]
    column = xp.arange(pixeldq.shape[1], dtype=xp.int32, device=device(pixeldq))
    inside = (row >= rows.start) & (row < rows.stop) & (column >= columns.start) & (column < columns.stop)
    return inside & ((pixeldq & dq.REFERENCE_PIXEL) != 0) & ((pixeldq & dq.DO_NOT_USE) == 0)


def kind_of(at: Orientation, shape: tuple[int, ...], row: int, column: int) -> int:
    """Find the kind of detector column that a pixel of the science frame lies in."""
    place, size = (row, shape[0]) if at.transposed else (column, shape[1])
    return (at.first_column + (place if at.fastaxis > 0 else size - 1 - place)) % KINDS


def reference_pixels_elsewhere(data: Array, pixeldq: Array, at: Orientation) -> tuple[Array, ...]:
    """Values of reference pixels in the `interior` of an array, for each kind of column; nothing without any.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN, science frame.
    pixeldq : uint32, (row, column).

    Returns
    -------
    For even and odd columns (integration, group, pixel), NaN where a pixel is no such one; or an empty tuple.
    """
    xp = array_namespace(data, pixeldq)
    flagged = flagged_within(pixeldq, *interior(at, data.shape[-2:]))
    if not bool(xp.any(flagged)):
        return ()
    values = at.to_detector(xp.where(flagged, data, xp.nan), xp=xp)
    of_kinds = (values[..., (kind - at.first_column) % KINDS :: KINDS] for kind in range(KINDS))
    return tuple(xp.reshape(found, (*data.shape[:2], -1)) for found in of_kinds)
