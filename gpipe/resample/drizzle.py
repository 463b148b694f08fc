"""Drizzle: light of an exposure's pixels, added up in pixels of a grid. Fruchter and Hook 2002, PASP 114, 144."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, Namespace, accumulator_dtype
from gpipe.resample import placement as places
from gpipe.resample.kernels import Kernel, half_width, profile
from gpipe.resample.overlap import area, overlap
from gpipe.resample.placement import Box, Placement, Tile

BLOCK_PIXELS = 1 << 18
"""Grid pixels that are worked on at once: temporaries have 8 bytes for each of them."""


@dataclass(frozen=True)
class Drizzled:
    """Sums of one exposure in a tile of the grid.

    Attributes
    ----------
    sums : float64, or float32 on a device without it, (row, column, plane): w v of each plane, and w last, summed over
        pixels of the exposure, where w is the share of a pixel's weight that the grid pixel gets.
    dq : uint32, (row, column), flags of all pixels with a share; None without flags.
    """

    sums: Array
    dq: Array | None


def drizzle(
    planes: Sequence[Array],
    weight: Array,
    placement: Placement,
    tile: Tile,
    kernel: Kernel,
    *,
    dq: Array | None = None,
    workers: int = 1,
) -> Drizzled:
    """Drizzle planes of an exposure onto a tile of the grid, all in one pass.

    Parameters
    ----------
    planes : float32, (row, column), whole rows of the exposure; all have the same geometry. NaN counts, if its pixel
        has a weight, in its own plane only.
    weight : float32, (row, column); pixels with 0 or NaN count nowhere.
    placement : of these rows. Rows that are not in hand count nowhere; those beyond the tile do no harm.
    dq : uint32, (row, column), flags to propagate.
    workers : threads for functions in C; sums do not depend on it, nor on the tiles.

    Notes
    -----
    For the kernel ``square``, w of a pixel with weight W and area A in the grid is W / A times its overlap with the
    grid pixel. For others w is W times ``kernel.norm`` times the profiles along columns and rows.
    A grid pixel adds the pixels of the exposure row by row, and from left to right in a row.
    """
    xp = array_namespace(weight, *planes, dq)
    counted = placement.counted(weight.shape[0], ring=kernel.name == "square")
    if counted.x0 > counted.x1 or counted.y0 > counted.y1 or 0 in tile.shape:
        return _nothing(len(planes), dq is not None, tile, like=weight, xp=xp)
    source = _source(planes, weight, placement, counted, kernel, dq=dq, xp=xp)
    blocks = [_gathered(source, block, xp=xp) for block in _blocks(tile)]
    sums = xp.concat([block.sums for block in blocks], axis=0)
    return Drizzled(sums, None if dq is None else xp.concat([block.dq for block in blocks], axis=0))


@dataclass(frozen=True)
class _Source:
    """Pixels that count: flat planes, the weights for a unit of overlap, flags, coordinates."""

    counted: Box
    placement: Placement
    kernel: Kernel
    planes: list[Array]
    weight: Array
    dq: Array | None
    coordinates: list[Array]


def _source(
    planes: Sequence[Array],
    weight: Array,
    placement: Placement,
    counted: Box,
    kernel: Kernel,
    *,
    dq: Array | None,
    xp: Namespace,
) -> _Source:
    dtype = accumulator_dtype(weight, xp=xp)

    def flat(x: Array) -> Array:
        rows = slice(counted.y0 - placement.first_row, counted.y1 - placement.first_row + 1)
        return xp.reshape(x[rows, counted.x0 : counted.x1 + 1], (-1,))

    centre = places.centres(placement, counted, like=weight, xp=xp)
    per_area = xp.astype(flat(weight), dtype)
    if kernel.name == "square":
        four = [(xp.reshape(x, (-1,)), xp.reshape(y, (-1,))) for x, y in places.corners(centre, kernel.half)]
        size = xp.abs(area(four))
        per_area = xp.where(size > 0, per_area / xp.where(size > 0, size, 1.0), 0.0)
        coordinates = [z for corner in four for z in corner]
    else:
        coordinates = [xp.reshape(centre[k, 1:-1, 1:-1], (-1,)) for k in range(2)]
        per_area = per_area * kernel.norm
    counts = xp.isfinite(per_area) & (per_area > 0)
    per_area = xp.where(counts, per_area, 0.0)
    values = [xp.where(counts, xp.astype(flat(plane), dtype), 0.0) for plane in planes]
    flags = None if dq is None else xp.where(counts, flat(dq), 0)
    return _Source(counted, placement, kernel, values, per_area, flags, coordinates)


def _blocks(tile: Tile) -> Iterator[Tile]:
    step = max(1, BLOCK_PIXELS // tile.shape[1])
    for first in range(tile.first_row, tile.end_row, step):
        yield tile._replace(first_row=first, end_row=min(first + step, tile.end_row))


def _gathered(source: _Source, tile: Tile, *, xp: Namespace) -> Drizzled:
    """Add up, for each grid pixel, the pixels of the exposure around its place in it."""
    like, counted, kernel = source.weight, source.counted, source.kernel
    row, column = _grid(tile, like=like, xp=xp)
    base_x, base_y, (reach_x, reach_y) = _bases(source, row, column, xp=xp)
    total = [xp.zeros(tile.shape, dtype=like.dtype, device=device(like)) for _ in range(len(source.planes) + 1)]
    flags = None if source.dq is None else xp.zeros(tile.shape, dtype=source.dq.dtype, device=device(like))
    for step_y in range(-reach_y, reach_y + 1):
        for step_x in range(-reach_x, reach_x + 1):
            x, y = base_x + step_x, base_y + step_y
            is_there = (x >= counted.x0) & (x <= counted.x1) & (y >= counted.y0) & (y <= counted.y1)
            width = counted.x1 - counted.x0 + 1
            index = xp.where(is_there, (y - counted.y0) * width + x - counted.x0, 0)
            of_pixel = _Taken(xp.reshape(index, (-1,)), tile.shape, xp)
            share = xp.where(is_there, _share(kernel, source, of_pixel, column, row, xp=xp), 0.0)
            for k, plane in enumerate(source.planes):
                total[k] = xp.where(share != 0, total[k] + share * of_pixel(plane), total[k])
            total[-1] = total[-1] + share
            if flags is not None:
                flags = flags | xp.where(share > 0, of_pixel(source.dq), 0)
    return Drizzled(xp.stack(total, axis=-1), flags)


@dataclass(frozen=True)
class _Taken:
    """Takes elements of flat planes for each grid pixel."""

    index: Array
    shape: tuple[int, int]
    xp: Namespace

    def __call__(self, plane: Array | None) -> Array:
        return self.xp.reshape(self.xp.take(plane, self.index), self.shape)


def _share(kernel: Kernel, source: _Source, of_pixel: _Taken, column: Array, row: Array, *, xp: Namespace) -> Array:
    """Weight that grid pixels get of one pixel of the exposure each."""
    at = [of_pixel(plane) for plane in source.coordinates]
    if kernel.name == "square":
        corners = [(at[k], at[k + 1]) for k in range(0, 8, 2)]
        return overlap(corners, column, row, xp=xp) * of_pixel(source.weight)
    along = profile(kernel, at[0], column, xp=xp), profile(kernel, at[1], row, xp=xp)
    return of_pixel(source.weight) * (along[0] * along[1])


def _grid(tile: Tile, *, like: Array, xp: Namespace) -> tuple[Array, Array]:
    """Rows and columns of the grid pixels of a tile, both (row, column)."""
    rows = xp.arange(tile.first_row, tile.end_row, dtype=like.dtype, device=device(like))
    columns = xp.arange(tile.first_column, tile.end_column, dtype=like.dtype, device=device(like))
    return xp.broadcast_to(rows[:, None], tile.shape), xp.broadcast_to(columns[None, :], tile.shape)


def _bases(source: _Source, row: Array, column: Array, *, xp: Namespace) -> tuple[Array, Array, tuple[int, int]]:
    """Nearest pixel of the exposure for each grid pixel, and how far from it others may have a share."""
    kernel, placement, counted = source.kernel, source.placement, source.counted
    inverse = placement.inverse
    assert inverse is not None, "pixels without a place do not count"
    width = 0.5 if kernel.name == "square" else half_width(kernel)
    reach = places.reach(inverse, placement.inverse_error, counted, half=kernel.half, half_width=width)
    at = places.evaluate_rows(inverse, row[:, :1], column[:1, :], xp=xp)
    ends = (counted.x0, counted.x1), (counted.y0, counted.y1)
    x, y = (_limited(xp.floor(at[k, ...] + 0.5), *ends[k], xp=xp) for k in range(2))
    return x, y, reach


def _limited(x: Array, low: int, high: int, *, xp: Namespace) -> Array:
    return xp.astype(xp.minimum(xp.maximum(x, float(low)), float(high)), xp.int64)


def _nothing(planes: int, has_dq: bool, tile: Tile, *, like: Array, xp: Namespace) -> Drizzled:
    dtype = accumulator_dtype(like, xp=xp)
    sums = xp.zeros((*tile.shape, planes + 1), dtype=dtype, device=device(like))
    return Drizzled(sums, xp.zeros(tile.shape, dtype=xp.uint32, device=device(like)) if has_dq else None)
