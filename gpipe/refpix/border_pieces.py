"""Border of an array, joined from parts of some rows each."""

from array_api_compat import array_namespace

from gpipe.arrays import Array
from gpipe.arrays.detector import EDGE
from gpipe.refpix.border import Border

Pieces = dict[str, Array]


def border_pieces(x: Array, *, first: tuple[int, int], shape: tuple[int, int]) -> Pieces:
    """Cut the sides of the border out of a part of an array, with rows as the last axis.

    Parameters
    ----------
    x : (..., row, column), some rows of an array; or some columns, none of them of the outer rows.
    first, shape : the first row and column of ``x`` in the array, and the numbers of rows and columns of the array.
    """
    xp = array_namespace(x)
    (below, above), (before, after) = (
        (min(max(EDGE - start, 0), length), min(max(whole - EDGE - start, 0), length))
        for start, length, whole in zip(first, x.shape[-2:], shape, strict=True)
    )
    sides = {
        "bottom": x[..., :below, :],
        "top": x[..., above:, :],
        "left": x[..., :before],
        "right": x[..., after:],
    }
    return {name: xp.matrix_transpose(side) for name, side in sides.items() if 0 not in side.shape[-2:]}


def border_of(pieces: Pieces) -> Border:
    """Return the border, joined from the pieces of all parts."""
    xp = array_namespace(*pieces.values())
    return Border(**{name: xp.matrix_transpose(side) for name, side in pieces.items()})
