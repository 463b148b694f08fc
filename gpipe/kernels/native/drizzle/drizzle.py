"""Drizzle: ``gpipe.resample.drizzle.drizzle``, bands of the tile on threads."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gpipe.arrays.precision import all_float32
from gpipe.kernels.native.aligned import aligned
from gpipe.kernels.native.arguments import Function, array, contiguous, double, integer, output
from gpipe.kernels.native.by_rows import by_rows
from gpipe.resample import drizzle as portable
from gpipe.resample.drizzle import Drizzled
from gpipe.resample.kernels import KINDS, Kernel, half_width
from gpipe.resample.placement import Box, Placement, Tile

MOST_PLANES, MOST_DEGREES = 5, 32
"""As in C."""
_NAMES = ("first", "second", "third", "fourth", "fifth")

_add = Function(
    "drizzle_add",
    **{name: array(np.float32, "rows columns", is_optional=True) for name in _NAMES},
    weight=array(np.float32, "rows columns"),
    dq=array(np.uint32, "rows columns", is_optional=True),
    first_row=integer,
    coefficients=array(np.float64, "2 tiles_y tiles_x degrees_y degrees_x", is_optional=True),
    domain=array(np.float64, "4"),
    places=array(np.float64, "2 lines across", is_optional=True),
    first_line=integer,
    box=array(np.int64, "4"),
    counted=array(np.int64, "4"),
    tile=array(np.int64, "4"),
    kind=integer,
    half=double,
    radius=double,
    scale=double,
    norm=double,
    half_width=double,
    table=array(np.float64, "entries"),
    memory=output(np.float64, "room"),
    sums=output(np.float64, "height width values"),
    flags=output(np.uint32, "height width", is_optional=True),
)


def drizzle(
    planes: Sequence[Any],
    weight: Any,
    placement: Placement,
    tile: Tile,
    kernel: Kernel,
    *,
    dq: Any = None,
    workers: int = 1,
) -> Drizzled:
    """See ``gpipe.resample.drizzle.drizzle``, which does other types."""
    if not _fits(planes, weight, placement):
        return portable.drizzle(planes, weight, placement, tile, kernel, dq=dq, workers=workers)
    counted = placement.counted(weight.shape[0], ring=kernel.name == "square")
    sums = np.zeros((*tile.shape, len(planes) + 1))
    flags = None if dq is None else np.zeros(tile.shape, np.uint32)
    if counted.x0 <= counted.x1 and counted.y0 <= counted.y1:
        given = [*map(contiguous, planes), *[None] * (MOST_PLANES - len(planes)), contiguous(weight)]
        given.append(None if dq is None else contiguous(dq))

        def add(first: int, end: int) -> None:
            band = tile._replace(first_row=tile.first_row + first, end_row=tile.first_row + end)
            out = sums[first:end], None if flags is None else flags[first:end]
            _add(*given, *_where(placement, counted, band), *_how(kernel), _memory(placement.box), *out)

        by_rows(add, tile.shape[0], workers)
    return Drizzled(sums, flags)


def _fits(planes: Sequence[Any], weight: Any, placement: Placement) -> bool:
    surface = placement.surface
    degrees = 0 if surface is None else max(surface.coefficients.shape[3:])
    return len(planes) <= MOST_PLANES and degrees <= MOST_DEGREES and all_float32(weight, *planes)


def _where(placement: Placement, counted: Box, band: Tile) -> tuple[Any, ...]:
    surface, planes, box = placement.surface, placement.planes, placement.box
    coefficients = None if surface is None else contiguous(surface.coefficients)
    domain = np.zeros(4) if surface is None else np.array(surface.domain, np.float64)
    places = None if surface is not None or planes is None else contiguous(planes)
    whole = (np.array(numbers, np.int64) for numbers in (box, counted, band))
    first_line = max(int(box.y0), placement.first_row - 1)
    return placement.first_row, coefficients, domain, places, first_line, *whole


def _how(kernel: Kernel) -> tuple[Any, ...]:
    numbers = (kernel.half, kernel.radius, kernel.scale, kernel.norm, half_width(kernel))
    return KINDS[kernel.name], *map(float, numbers), np.array(kernel.table)


def _memory(box: Box) -> np.ndarray:
    """Memory for a tile's polynomials, three lines of places, corners with their slopes and sides."""
    columns = int(box.x1 - box.x0) + 1
    return aligned(((MOST_DEGREES + 1 + 6 + 14) * (columns + 2),), np.float64)
