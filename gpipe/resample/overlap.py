"""Area that a quadrilateral has in common with a pixel of the grid."""

from collections.abc import Sequence

from gpipe.arrays import Array, Namespace

NOTHING = 1e-12
"""Part of the quadrilateral that is rounding, no overlap."""
UPRIGHT = 1e-30
"""Width of an edge that has no slope."""
Corners = Sequence[tuple[Array, Array]]
"""Columns and rows of four corners, one after the other around the quadrilateral."""


def area(corners: Corners) -> Array:
    """Area of quadrilaterals; negative where their corners go round by the left hand."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = corners
    return 0.5 * ((x2 - x0) * (y3 - y1) - (x3 - x1) * (y2 - y0))


def overlap(corners: Corners, column: Array, row: Array, *, xp: Namespace) -> Array:
    """Part of quadrilaterals that lies in pixels of the grid, unit squares about whole numbers.

    Parameters
    ----------
    corners : in the grid.
    column, row : of the grid pixel, of the same floating-point type.

    Returns
    -------
    Overlap in pixels of the grid, never negative; 0 where a corner is NaN or the quadrilateral has no area.

    Notes
    -----
    The overlap is the area under the edges, each cut to the columns and rows of the pixel, with the sign of its
    direction: what lies under the lower edges is taken away again.
    """
    whole, left, bottom = area(corners), column - 0.5, row - 0.5
    under = 0.0
    for k in range(4):
        under = under + _under(*corners[k], *corners[(k + 1) % 4], left, bottom, xp=xp)
    signed = xp.where(whole < 0, under, -under)
    size = xp.abs(whole)
    signed = xp.where(_lies_in(corners, left, bottom), size, signed)
    return xp.where(signed > NOTHING * size, signed, 0.0)


def _under(x0: Array, y0: Array, x1: Array, y1: Array, left: Array, bottom: Array, *, xp: Namespace) -> Array:
    """Area between an edge and the lower side of a pixel, inside the pixel."""
    is_upright = xp.abs(x1 - x0) <= UPRIGHT
    slope = xp.where(is_upright, 0.0, (y1 - y0) / xp.where(is_upright, 1.0, x1 - x0))
    from_left, to_left = x0 - left, x1 - left
    begin, end = _clipped(from_left, xp=xp), _clipped(to_left, xp=xp)
    first = y0 + slope * (begin - from_left) - bottom
    last = y0 + slope * (end - from_left) - bottom
    return (end - begin) * _mean_height(xp.minimum(first, last), xp.maximum(first, last), xp=xp)


def _mean_height(low: Array, high: Array, *, xp: Namespace) -> Array:
    """Mean of heights from ``low`` to ``high``, those below 0 counted as 0 and those above 1 as 1."""
    is_inside = (low >= 0) & (high <= 1)
    cut_low, cut_high = _clipped(low, xp=xp), _clipped(high, xp=xp)
    above = xp.maximum(high - 1.0, 0.0) - xp.maximum(low - 1.0, 0.0)
    between = (cut_high - cut_low) * (0.5 * (cut_low + cut_high))
    span = xp.where(high > low, high - low, 1.0)
    mean = xp.where(low >= 1, 1.0, xp.where(high <= 0, 0.0, (above + between) / span))
    return xp.where(is_inside, 0.5 * (low + high), mean)


def _clipped(x: Array, *, xp: Namespace) -> Array:
    return xp.minimum(xp.maximum(x, 0.0), 1.0)


def _lies_in(corners: Corners, left: Array, bottom: Array) -> Array:
    """Tell whether all corners lie in the pixel."""
    (x, y), *_ = corners
    inside = x == x
    for x, y in corners:
        inside = inside & (x >= left) & (x <= left + 1.0) & (y >= bottom) & (y <= bottom + 1.0)
    return inside
