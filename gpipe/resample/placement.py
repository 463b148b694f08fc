"""Places of an exposure's pixels in the grid: their centres, from polynomials or as planes, and their corners."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from array_api_compat import device

from gpipe.arrays import Array, Namespace, accumulator_dtype
from gpipe.coordinates.chebyshev import Surface
from gpipe.coordinates.pixel_map import PixelMap

FEWEST_LINES = 8
"""Rows or columns below which the inverse of a map is not known beside them."""


class Box(NamedTuple):
    """Columns ``x0`` to ``x1`` and rows ``y0`` to ``y1`` of an exposure, both ends included."""

    x0: int
    x1: int
    y0: int
    y1: int


class Tile(NamedTuple):
    """Rows and columns of the grid that are worked on, from the first to the one after the last."""

    first_row: int
    end_row: int
    first_column: int
    end_column: int

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return self.end_row - self.first_row, self.end_column - self.first_column


@dataclass(frozen=True)
class Placement:
    """Places in the grid of rows of an exposure.

    Attributes
    ----------
    shape : rows and columns of the whole exposure.
    box : pixels in the bounding box of its WCS.
    first_row : of the exposure, in the arrays that go with this.
    surface : columns and rows in the grid of pixel centres, over ``box``. None where planes are given.
    planes : float64, (column or row, row, column), the same for all columns of ``box`` and its rows that are in hand,
        with one more before and after if the box has them.
    inverse : columns and rows in the exposure of grid pixels; rough. None if no pixel has a place in the grid.
    inverse_error : of ``inverse``, pixels of the exposure.
    """

    shape: tuple[int, int]
    box: Box
    first_row: int
    surface: Surface | None
    planes: Array | None
    inverse: Surface | None
    inverse_error: float

    def counted(self, rows: int, *, ring: bool) -> Box:
        """Find the pixels that count, of so many rows in hand.

        Parameters
        ----------
        ring : leave out pixels with a neighbour that lies in the exposure but outside of the box.
        """
        if self.inverse is None:
            return Box(0, -1, 0, -1)
        x0, x1, y0, y1 = self.box
        if ring:
            y_end, x_end = self.shape
            x0, y0 = x0 + (x0 > 0), y0 + (y0 > 0)
            x1, y1 = x1 - (x1 < x_end - 1), y1 - (y1 < y_end - 1)
        return Box(x0, x1, max(y0, self.first_row), min(y1, self.first_row + rows - 1))


def place(
    pixel_map: PixelMap,
    shape: tuple[int, int],
    *,
    first_row: int = 0,
    rows: int | None = None,
    to_device: Callable[[Any], Array] = lambda host: host,
) -> Placement:
    """Find places of some rows of an exposure; of all without ``rows``.

    Parameters
    ----------
    pixel_map : of the whole exposure.
    shape : rows and columns of the whole exposure.
    to_device : moves planes, which only a map without a surface has.
    """
    box = Box(*(int(end) for end in pixel_map.box))
    end = first_row + (shape[0] if rows is None else rows)
    start, stop = max(box.y0, first_row - 1), min(box.y1, end) + 1
    has_planes = pixel_map.surface is None and pixel_map.inverse is not None and stop > start
    planes = to_device(pixel_map.band(start, stop)) if has_planes else None
    inverse = None if stop <= start else pixel_map.inverse
    return Placement(shape, box, first_row, pixel_map.surface, planes, inverse, pixel_map.inverse_error)


def centres(placement: Placement, counted: Box, *, like: Array, xp: Namespace) -> Array:
    """Centres of pixels and of those around them, in the grid, (column or row, row, column).

    Around the box, the steps between its outermost pixels go on.
    """
    box, inside = placement.box, with_neighbours(placement.box, counted)
    if placement.surface is not None:
        return around(_evaluated(placement.surface, inside, like=like, xp=xp), box, inside, counted, xp=xp)
    assert placement.planes is not None, "pixels have places by a surface or by planes"
    start = inside.y0 - max(box.y0, placement.first_row - 1)
    rows = placement.planes[:, start : start + inside.y1 - inside.y0 + 1, :]
    return around(rows, box, inside, counted, xp=xp)


def with_neighbours(box: Box, counted: Box) -> Box:
    """Rows of a box that count, whole, and those before and after them that the box has."""
    return Box(box.x0, box.x1, max(box.y0, counted.y0 - 1), min(box.y1, counted.y1 + 1))


def around(centre: Array, box: Box, inside: Box, counted: Box, *, xp: Namespace) -> Array:
    """Cut centres of the rows of a box to pixels that count and those around them.

    Parameters
    ----------
    centre : (column or row, row, column), of the pixels ``inside``.
    """
    padded = _continued(_continued(centre, axis=1, xp=xp), axis=2, xp=xp)
    row, column = counted.y0 - inside.y0, counted.x0 - box.x0
    rows, columns = counted.y1 - counted.y0 + 3, counted.x1 - counted.x0 + 3
    return padded[:, row : row + rows, column : column + columns]


def _evaluated(surface: Surface, box: Box, *, like: Array, xp: Namespace) -> Array:
    """Evaluate a surface at the pixels of a box, (function, row, column)."""
    dtype, place = accumulator_dtype(like, xp=xp), device(like)
    columns = xp.arange(box.x0, box.x1 + 1, dtype=dtype, device=place)
    rows = xp.arange(box.y0, box.y1 + 1, dtype=dtype, device=place)
    return evaluate_rows(surface, rows[:, None], columns[None, :], xp=xp)


def evaluate_rows(surface: Surface, rows: Array, columns: Array, *, xp: Namespace) -> Array:
    """Evaluate a surface where rows, a column of an array, and columns, a row of one, cross: (function, row, column).

    Sums are made in the order of the degrees, so that each library gives the same bits.
    """
    x0, x1, y0, y1 = surface.domain
    _, tiles_y, tiles_x, _, degrees = surface.coefficients.shape
    tile_x, u = in_tiles(columns[0, :], x0, x1, tiles_x, xp=xp)
    tile_y, v = in_tiles(rows[:, 0], y0, y1, tiles_y, xp=xp)
    of_rows = _along_rows(surface, tile_y, v, xp=xp)
    terms = chebyshev(u, degrees, xp=xp)
    total = xp.take(of_rows[..., 0], tile_x, axis=2)
    for m in range(1, degrees):
        total = total + xp.take(of_rows[..., m], tile_x, axis=2) * terms[m][None, None, :]
    return total


def _along_rows(surface: Surface, tile: Array, v: Array, *, xp: Namespace) -> Array:
    """Coefficients of the degrees in x at each row, (function, row, tile in x, degree in x)."""
    values = xp.asarray(surface.coefficients.tolist(), dtype=v.dtype, device=device(v))
    of_rows = xp.take(values, tile, axis=1)
    terms = chebyshev(v, values.shape[3], xp=xp)
    total = of_rows[:, :, :, 0, :]
    for n in range(1, values.shape[3]):
        total = total + of_rows[:, :, :, n, :] * terms[n][None, :, None, None]
    return total


def in_tiles(t: Array, low: float, high: float, tiles: int, *, xp: Namespace) -> tuple[Array, Array]:
    """Find the tile of each column or row, and the place in it from -1 to 1."""
    along = (t - low) / ((high - low) or 1.0) * tiles
    tile = xp.minimum(xp.maximum(xp.floor(along), 0.0), tiles - 1.0)
    return xp.astype(tile, xp.int64), 2.0 * (along - tile) - 1.0


def chebyshev(u: Array, degrees: int, *, xp: Namespace) -> list[Array]:
    """Chebyshev polynomials of the first kind, by their recurrence."""
    terms, double = [xp.ones_like(u), u], 2.0 * u
    for _ in range(2, degrees):
        terms.append(double * terms[-1] - terms[-2])
    return terms[:degrees]


def _continued(values: Array, *, axis: int, xp: Namespace) -> Array:
    """Add one element before the first and one after the last, the last step away."""

    def at(k: int) -> tuple[slice, ...]:
        k = min(max(k, 0), values.shape[axis] - 1)
        return tuple(slice(k, k + 1) if a == axis else slice(None) for a in range(values.ndim))

    end = values.shape[axis] - 1
    before = 2.0 * values[at(0)] - values[at(1)]
    after = 2.0 * values[at(end)] - values[at(end - 1)]
    return xp.concat([before, values, after], axis=axis)


def corners(centre: Array, half: float) -> list[tuple[Array, Array]]:
    """Corners of shrunken pixels, linearly between the centres of a pixel and its neighbours.

    Parameters
    ----------
    centre : (column or row, row, column), with the pixels around those that corners are made for.
    half : half the side of the shrunken pixel.

    Returns
    -------
    Columns and rows in the grid of (left, bottom), (right, bottom), (right, top), (left, top).
    """
    at_left = (1.0 - half) * centre[:, :, 1:-1] + half * centre[:, :, :-2]
    at_right = (1.0 - half) * centre[:, :, 1:-1] + half * centre[:, :, 2:]
    found = []
    for side, rows in ((at_left, 0), (at_right, 0), (at_right, 2), (at_left, 2)):
        other = side[:, rows : rows + side.shape[1] - 2, :]
        corner = (1.0 - half) * side[:, 1:-1, :] + half * other
        found.append((corner[0, ...], corner[1, ...]))
    return found


def reach(inverse: Surface, error: float, counted: Box, *, half: float, half_width: float) -> tuple[int, int]:
    """Find how many columns and rows from its place in an exposure a grid pixel may find light.

    Parameters
    ----------
    inverse : columns and rows in the exposure, of places in the grid.
    error : of ``inverse``, pixels of the exposure.
    counted : pixels that count; no more are asked for. All are, if these are too few lines to fit an inverse to.
    half : half the side of the shrunken pixel, pixels of the exposure.
    half_width : distance at which the grid pixel is lit, pixels of the grid, along each axis.
    """
    sizes = counted.x1 - counted.x0 + 1, counted.y1 - counted.y0 + 1
    if min(sizes) < FEWEST_LINES:
        return sizes
    near = (half_width * sum(step) + half + error + 0.5 + 1e-6 for step in _greatest_steps(inverse))
    columns, rows = (math.floor(min(lines, size)) for lines, size in zip(near, sizes, strict=True))
    return columns, rows


def _greatest_steps(surface: Surface) -> list[tuple[float, float]]:
    """Bounds of the slopes of both functions along columns and rows: of T_m it is m squared."""
    x0, x1, y0, y1 = surface.domain
    _, tiles_y, tiles_x, _, _ = surface.coefficients.shape
    scales = 2 * tiles_x / ((x1 - x0) or 1.0), 2 * tiles_y / ((y1 - y0) or 1.0)
    bounds = []
    for tiles in surface.coefficients.tolist():
        along = [_slopes(tile) for row in tiles for tile in row]
        bounds.append((scales[0] * max(x for x, _ in along), scales[1] * max(y for _, y in along)))
    return bounds


def _slopes(coefficients: Sequence[Sequence[float]]) -> tuple[float, float]:
    terms = [(n, m, abs(c)) for n, row in enumerate(coefficients) for m, c in enumerate(row)]
    return sum(m * m * c for _, m, c in terms), sum(n * n * c for n, _, c in terms)
