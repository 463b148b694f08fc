"""Smooth functions of a pixel's column and row as Chebyshev polynomials over equal tiles of a rectangle."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.polynomial.chebyshev import chebvander
from numpy.typing import NDArray

Floats = NDArray[Any]
"""Coordinates: float64."""
Transform = Callable[[Floats, Floats], tuple[Floats, Floats]]
"""Takes columns and rows of one frame to those of another; NaN where it is not defined."""


class Rectangle(NamedTuple):
    """Columns ``x0`` to ``x1`` and rows ``y0`` to ``y1``, both ends included."""

    x0: float
    x1: float
    y0: float
    y1: float

    @property
    def sides(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """First and last column, first and last row."""
        return (self.x0, self.x1), (self.y0, self.y1)


@dataclass(frozen=True)
class Surface:
    """Two smooth functions of column and row: those of another frame.

    Attributes
    ----------
    domain : the rectangle over which the polynomials hold. It is divided into equal tiles.
    coefficients : float64, with axes (function, tile in y, tile in x, degree in y, degree in x). Function 0 is the
        column, 1 the row of the other frame. Degrees are those of Chebyshev polynomials in ``-1 … 1`` over the tile.
    """

    domain: Rectangle
    coefficients: Floats

    def __call__(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Evaluate both functions at points, which may lie a little outside of the domain."""
        x, y = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(y, np.float64))
        (column, u), (row, v) = self._in_tiles(x.ravel(), 0), self._in_tiles(y.ravel(), 1)
        *_, ny, nx = self.coefficients.shape
        in_x, in_y = chebvander(u, nx - 1), chebvander(v, ny - 1)
        both = np.einsum("fpij,pi,pj->fp", self.coefficients[:, row, column], in_y, in_x)
        return both[0].reshape(x.shape), both[1].reshape(x.shape)

    def grid(self, x: Floats, y: Floats) -> Floats:
        """Evaluate both functions where columns ``x`` and rows ``y`` cross, with axes (function, row, column).

        Columns and rows are in ascending order.
        """
        (column, u), (row, v) = self._in_tiles(x, 0), self._in_tiles(y, 1)
        *_, ny, nx = self.coefficients.shape
        in_x, in_y = chebvander(u, nx - 1), chebvander(v, ny - 1)
        values = np.empty((2, len(y), len(x)))
        for j in np.unique(row):
            for i in np.unique(column):
                rows, columns = np.flatnonzero(row == j), np.flatnonzero(column == i)
                part = in_y[rows] @ self.coefficients[:, j, i] @ in_x[columns].T
                values[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = part
        return values

    def _in_tiles(self, t: Floats, axis: int) -> tuple[NDArray[np.intp], Floats]:
        """Find the tile of each column (axis 0) or row (1), and the place in it from -1 to 1."""
        low, high = self.domain.sides[axis]
        tiles = self.coefficients.shape[2 - axis]
        along = (np.asarray(t, np.float64) - low) / ((high - low) or 1.0) * tiles
        tile = np.clip(np.floor(along), 0, tiles - 1).astype(np.intp)
        return tile, 2 * (along - tile) - 1


@dataclass(frozen=True)
class Fit:
    """A surface and the bound of its error."""

    surface: Surface
    bound: float


def fit(transform: Transform, domain: Rectangle, degrees: int, tiles: int = 1) -> Fit:
    """Fit a surface to a transform, from its values at Chebyshev nodes of each tile.

    The bound is the larger of twice the greatest error at other nodes and at corners, and the sum of the
    coefficients of the last two degrees. It is NaN if the transform is not defined all over the domain.
    """
    x, y = (_points(_nodes(degrees), *side, tiles) for side in domain.sides)
    values = _at_crossings(transform, x, y).reshape(2, tiles, degrees, tiles, degrees).transpose(0, 1, 3, 2, 4)
    to_coefficients = _to_coefficients(degrees)
    coefficients = to_coefficients @ values @ to_coefficients.T
    surface = Surface(domain, coefficients)
    both = _tail(coefficients), 2 * _greatest_error(surface, transform, degrees, tiles)
    return Fit(surface, float(np.max(both)))


def fit_points(x: Floats, y: Floats, values: Floats, degrees: int) -> Surface:
    """Fit a surface of one tile to values, with axes (function, point), at any points, by least squares."""
    domain = Rectangle(float(x.min()), float(x.max()), float(y.min()), float(y.max()))
    empty = Surface(domain, np.zeros((2, 1, 1, degrees, degrees)))
    (_, u), (_, v) = empty._in_tiles(x, 0), empty._in_tiles(y, 1)
    low = np.add.outer(np.arange(degrees), np.arange(degrees)) < degrees
    terms = (chebvander(v, degrees - 1)[:, :, None] * chebvander(u, degrees - 1)[:, None, :])[:, low]
    # Normal equations, 21 of them where there are six degrees: on nearly orthogonal terms they are as good.
    empty.coefficients[:, 0, 0, low] = np.linalg.lstsq(terms.T @ terms, terms.T @ values.T)[0].T
    return empty


def _nodes(number: int) -> Floats:
    """Chebyshev nodes between -1 and 1, in ascending order."""
    return -np.cos(np.pi * (np.arange(number) + 0.5) / number)


def _points(nodes: Floats, low: float, high: float, tiles: int) -> Floats:
    """Columns or rows of the nodes of all tiles between two ends."""
    middles = (np.arange(tiles) + 0.5)[:, None]
    return np.clip(low + (middles + nodes / 2) * (high - low) / tiles, low, high).ravel()


def _at_crossings(transform: Transform, x: Floats, y: Floats) -> Floats:
    columns, rows = np.meshgrid(x, y)
    return np.stack(transform(columns, rows))


def _to_coefficients(degrees: int) -> Floats:
    """The matrix that takes values at nodes to coefficients."""
    matrix = 2 / degrees * chebvander(_nodes(degrees), degrees - 1).T
    matrix[0] /= 2
    return matrix


def _tail(coefficients: Floats) -> float:
    """The sum of the coefficients of the last two degrees: of a tile and function, the greatest."""
    sizes = np.abs(coefficients)
    return float(np.max(sizes.sum((-1, -2)) - sizes[..., :-2, :-2].sum((-1, -2))))


def _greatest_error(surface: Surface, transform: Transform, degrees: int, tiles: int) -> float:
    others = np.concatenate([[-1.0], _nodes(2 * degrees + 1), [1.0]])
    x, y = (_points(others, *side, tiles) for side in surface.domain.sides)
    return float(np.max(np.abs(surface.grid(x, y) - _at_crossings(transform, x, y))))
