"""The border of an array out of parts of some rows each."""

from array_api_compat import array_namespace

from gpipe.arrays import Array
from gpipe.refpix.border import Border
from gpipe.refpix.reference_areas import WIDTH

Pieces = dict[str, Array]


def border_pieces(x: Array, *, first_row: int, rows: int) -> Pieces:
    """What a part has of each side of the border, with rows as the last axis; none of some of them.

    Parameters
    ----------
    x : (..., row, column), some rows of an array.
    first_row, rows : which one of the array ``x`` begins with, and how many that has.
    """
    xp = array_namespace(x)
    stop = first_row + x.shape[-2]
    low, high = min(max(WIDTH - first_row, 0), x.shape[-2]), max(rows - WIDTH - first_row, 0)
    sides = {
        "bottom": x[..., :low, :],
        "top": x[..., min(high, stop - first_row) :, :],
        "left": x[..., :WIDTH],
        "right": x[..., max(x.shape[-1] - WIDTH, 0) :],
    }
    return {name: xp.matrix_transpose(side) for name, side in sides.items()}


def border_of(pieces: Pieces) -> Border:
    """The border, out of the pieces of all parts one after the other."""
    xp = array_namespace(*pieces.values())
    return Border(**{name: xp.matrix_transpose(side) for name, side in pieces.items()})
