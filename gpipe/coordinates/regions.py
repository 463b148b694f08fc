"""S_REGION: the outline of an exposure on the sky."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from gpipe.coordinates.chebyshev import Floats
from gpipe.exceptions import InputError

POINTS_NEAR, TURN = 0.05, 1e-6
"""Vertices are dropped so near to the one before (pixels), and where the outline turns by less (radian)."""


def polygons(s_region: str | None, name: str) -> list[Floats]:
    """Read the polygons of an S_REGION, each with axes (vertex, RA or Dec), degrees.

    Raises
    ------
    InputError
        If it is missing or is no list of polygons; ``name`` is that of the exposure.
    """
    try:
        found = [_vertices(text) for text in re.split(r"POLYGON", s_region or "")[1:]]
    except ValueError:
        found = []
    if not found:
        raise InputError(
            f"{name}: S_REGION is {s_region!r}; expected the outline that assign_wcs writes: POLYGON ICRS …"
        )
    return found


def keyword(outlines: Iterable[Floats]) -> str:
    """Write polygons as the value of S_REGION."""
    texts = (" ".join(f"{ra:.9f} {dec:.9f}" for ra, dec in outline) for outline in outlines)
    return "  ".join(f"POLYGON ICRS  {text}" for text in texts)


def union(outlines: Sequence[Floats], frame: Floats) -> list[Floats]:
    """Unite polygons, and cut them at a frame; all in pixels. Holes are filled, needless vertices dropped."""
    import shapely

    together = shapely.unary_union([shapely.Polygon(outline) for outline in outlines])
    inside = shapely.Polygon(frame)
    pieces = (shapely.Polygon(_simplified(piece)) for piece in _polygons_of(together))
    return [_simplified(part) for piece in pieces for part in _polygons_of(shapely.intersection(piece, inside))]


def _vertices(text: str) -> Floats:
    numbers = np.array(re.sub("[a-zA-Z]", "", text).split(), np.float64)
    if len(numbers) < 6 or not np.isfinite(numbers).all():
        raise ValueError(text)
    return numbers.reshape(-1, 2)


def _polygons_of(shape: Any) -> list[Any]:
    """The polygons of a shape, without points and lines."""
    return [part for part in getattr(shape, "geoms", [shape]) if part.geom_type == "Polygon" and not part.is_empty]


def _simplified(polygon: Any) -> Floats:
    """The outline of a polygon without vertices that lie on a side or upon each other."""
    points = np.array(polygon.exterior.coords)[:-1]
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    straight = np.abs(cross) < TURN * np.hypot(*before.T) * np.hypot(*after.T)
    near = (np.abs(before) < POINTS_NEAR).all(1)
    return points[~(straight | near)]
