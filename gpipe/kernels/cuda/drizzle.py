"""``drizzle`` as kernels: the places of pixels, then the sums of each grid pixel."""

from collections.abc import Sequence

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, Namespace
from gpipe.arrays.precision import all_float32
from gpipe.coordinates.chebyshev import Surface
from gpipe.kernels.cuda import sources
from gpipe.resample import placement as places
from gpipe.resample.drizzle import Drizzled
from gpipe.resample.drizzle import drizzle as portable
from gpipe.resample.kernels import KINDS, Kernel, half_width
from gpipe.resample.placement import Box, Placement, Tile

MOST_PLANES, MOST_DEGREES = 5, 32
"""As in CUDA."""


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
    """See ``gpipe.resample.drizzle.drizzle``, which does other types and exposures without a pixel that counts."""
    counted = placement.counted(weight.shape[0], ring=kernel.name == "square")
    is_empty = counted.x0 > counted.x1 or counted.y0 > counted.y1 or 0 in tile.shape
    if is_empty or not _fits(planes, weight, placement):
        return portable(planes, weight, placement, tile, kernel, dq=dq, workers=workers)
    xp, inverse = array_namespace(weight, *planes, dq), placement.inverse
    assert inverse is not None, "pixels without a place do not count"
    sums = xp.empty((*tile.shape, len(planes) + 1), dtype=xp.float64, device=device(weight))
    flags = None if dq is None else xp.empty(tile.shape, dtype=xp.uint32, device=device(weight))
    rows = slice(counted.y0 - placement.first_row, counted.y1 - placement.first_row + 1)

    def in_hand(x: Array | None) -> Array | None:
        return None if x is None else sources.contiguous(x[rows, counted.x0 : counted.x1 + 1])

    centres = sources.contiguous(_centres(placement, counted, like=weight, xp=xp))
    given = [in_hand(x) for x in (*planes, *[None] * (MOST_PLANES - len(planes)), weight, dq)]
    size = counted.y1 - counted.y0 + 1, counted.x1 - counted.x0 + 1
    width = 0.5 if kernel.name == "square" else half_width(kernel)
    reach = places.reach(inverse, placement.inverse_error, counted, half=kernel.half, half_width=width)
    sources.launch(
        "drizzle", "gather", tile.shape[0] * tile.shape[1],
        *_surface(inverse, like=weight, xp=xp), centres, *given, len(planes), counted.y0, counted.x0, *size, size[1],
        reach[1], reach[0], *_profile(kernel, like=weight, xp=xp), tile.first_row, tile.first_column, *tile.shape,
        sums, flags,
    )  # fmt: skip
    return Drizzled(sums, flags)


def _fits(planes: Sequence[Array], weight: Array, placement: Placement) -> bool:
    surfaces = [surface for surface in (placement.surface, placement.inverse) if surface is not None]
    degrees = max(size for surface in surfaces for size in surface.coefficients.shape[3:])
    return len(planes) <= MOST_PLANES and degrees <= MOST_DEGREES and all_float32(weight, *planes)


def _centres(placement: Placement, counted: Box, *, like: Array, xp: Namespace) -> Array:
    """Centres of the pixels that count and of those around them, by a kernel if there are polynomials."""
    if placement.surface is None:
        return places.centres(placement, counted, like=like, xp=xp)
    box, inside = placement.box, places.with_neighbours(placement.box, counted)
    rows, columns = inside.y1 - inside.y0 + 1, box.x1 - box.x0 + 1
    found = xp.empty((2, rows, columns), dtype=xp.float64, device=device(like))
    surface = _surface(placement.surface, like=like, xp=xp)
    ends = inside.y0, box.x0, rows, columns
    sources.launch("drizzle", "place_pixels", 2 * rows * columns, *surface, *ends, found)
    return places.around(found, box, inside, counted, xp=xp)


def _surface(surface: Surface, *, like: Array, xp: Namespace) -> tuple[object, ...]:
    values = xp.asarray(surface.coefficients.tolist(), dtype=xp.float64, device=device(like))
    return values, *map(float, surface.domain), *values.shape[1:]


def _profile(kernel: Kernel, *, like: Array, xp: Namespace) -> tuple[object, ...]:
    table = xp.asarray(kernel.table, dtype=xp.float64, device=device(like))
    numbers = map(float, (kernel.half, kernel.radius, kernel.scale, kernel.norm))
    return KINDS[kernel.name], *numbers, table, table.shape[0]
