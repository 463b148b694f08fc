"""Mosaics of exposures: tile by tile, each tile from the rows of the exposures that reach it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from gpipe.arrays import Array
from gpipe.arrays.invalid import sync_invalid
from gpipe.backends import Backend
from gpipe.coordinates.output_grid import OutputGrid
from gpipe.coordinates.pixel_map import PixelMap
from gpipe.resample.drizzle import drizzle
from gpipe.resample.kernels import half_width, kernel
from gpipe.resample.placement import Tile, place
from gpipe.resample.reach_host import Reach, reach_of
from gpipe.resample.settings import IVM, VARIANCES, Settings
from gpipe.resample.variances import Combined, Content, Totals, add_exposure, combine, no_exposure
from gpipe.resample.weights import check_read_noise, inverse_variance, same_for_all, without_background

TILE_BYTES = 1 << 25
"""Bytes of the sums of a tile: larger ones leave the caches, smaller ones read more rows twice."""
BYTES_OF_SUM = 8
PLANES = ("data", "err", *VARIANCES)


@dataclass(frozen=True)
class Source:
    """An exposure that is resampled.

    Attributes
    ----------
    name : for messages.
    pixels : gives rows of its planes, as `Member.pixels` does; None for a plane that it lacks.
    shape : rows and columns.
    pixel_map : to the grid.
    time : seconds, which weights it if read noise does not.
    background : level that is subtracted before; None for none.
    """

    name: str
    pixels: Any
    shape: tuple[int, int]
    pixel_map: PixelMap
    time: float
    background: float | None = None


def mosaic_planes(sources: Sequence[Source], grid: OutputGrid, settings: Settings, backend: Backend) -> dict[str, Any]:
    """Resample exposures, in their order, to a grid.

    Returns
    -------
    Planes of a `Mosaic` by name, those that the settings ask for.
    """
    work = _Work(sources, grid, settings, backend)
    planes: dict[str, Any] = {}
    for tile in _tiles(grid.shape, work.content):
        for name, values in work.tile(tile).items():
            if name not in planes:
                planes[name] = _empty(values, grid.shape)
            planes[name][..., tile.first_row : tile.end_row, :] = values
    return planes


class _Work:
    """Resampling of some exposures."""

    def __init__(self, sources: Sequence[Source], grid: OutputGrid, settings: Settings, backend: Backend) -> None:
        self.sources, self.grid, self.settings, self.backend = sources, grid, settings, backend
        self.kernel = kernel(settings.kernel, settings.pixfrac, grid.pixel_scale_ratio)
        rnoise = settings.variances.index("var_rnoise") if settings.variances and settings.weight_type == IVM else None
        self.content = Content(len(settings.means), len(settings.variances), rnoise)
        corner = math.sqrt(2) * self.kernel.half / grid.pixel_scale_ratio + 0.5
        self.half_width = corner if self.kernel.name == "square" else half_width(self.kernel)
        self.reaches = [reach_of(source.pixel_map) for source in sources]

    def tile(self, tile: Tile) -> dict[str, Array]:
        """Make the planes of a tile."""
        totals = self._nothing(tile)
        for number, (source, reach) in enumerate(zip(self.sources, self.reaches, strict=True)):
            if (rows := self._rows(reach, tile, source.shape)) is not None:
                totals = self._with(totals, source, number, rows, tile)
        finish = self.backend.native(combine)
        combined = finish(totals, self.content, ratio=self.grid.pixel_scale_ratio, fill=self.settings.fill)
        return self._planes(combined, totals)

    def _rows(self, reach: Reach, tile: Tile, shape: tuple[int, int]) -> slice | None:
        """Rows of an exposure with light in a tile, with one more at both ends for their corners."""
        found = reach.rows(tile.first_row, tile.end_row, self.half_width)
        return None if found is None else slice(max(0, found.start - 1), min(shape[0], found.stop + 1))

    def _nothing(self, tile: Tile) -> Totals:
        options: dict[str, Any] = {"has_context": self.settings.context, "has_dq": self.settings.dq}
        like = self.backend.to_device(np.empty(0, np.float32))
        return no_exposure(tile.shape, self.content, exposures=len(self.sources), like=like, **options)

    def _with(self, totals: Totals, source: Source, number: int, rows: slice, tile: Tile) -> Totals:
        """Add what an exposure has in a tile."""
        inputs = _inputs(source, rows, self.settings, self.backend)
        height, workers = rows.stop - rows.start, self.settings.workers
        placement = place(
            source.pixel_map, source.shape, first_row=rows.start, rows=height, to_device=self.backend.to_device
        )
        drizzled = self.backend.native(drizzle)(
            inputs.planes,
            inputs.weight,
            placement,
            tile,
            self.kernel,
            dq=inputs.dq if self.settings.dq else None,
            workers=workers,
        )
        add = self.backend.native(add_exposure)
        return add(totals, drizzled, self.content, number=number, time=source.time, workers=workers)

    def _planes(self, combined: Combined, totals: Totals) -> dict[str, Array]:
        found = dict(zip(self.settings.means, combined.means, strict=True)) | {"wht": combined.weight}
        if combined.err is not None:
            found["err"] = combined.err
        if self.settings.reports_variances:
            found |= dict(zip(self.settings.variances, combined.variances, strict=True))
        optional = {"con": totals.context, "dq": totals.dq}
        return found | {name: values for name, values in optional.items() if values is not None}


@dataclass(frozen=True)
class _Inputs:
    """Rows of an exposure: the planes that are drizzled, their weight, and flags."""

    planes: list[Array]
    weight: Array
    dq: Array


def _inputs(source: Source, rows: slice, settings: Settings, backend: Backend) -> _Inputs:
    """Read rows of an exposure; pixels that are invalid in one plane are so in all."""
    flags, values = sync_invalid(*(source.pixels.rows(name, rows, backend) for name in ("dq", *PLANES)))
    planes: Mapping[str, Any] = dict(zip(PLANES, values, strict=True))
    xp = array_namespace(flags)
    if settings.weight_type == IVM:
        check_read_noise(planes["var_rnoise"], name=source.name)
        weight = inverse_variance(planes["var_rnoise"], flags)
    else:
        weight = same_for_all(source.time, flags)
    data = without_background(planes["data"], source.background, subtracted=False)
    means = [data if name == "data" else planes[name] for name in settings.means]
    variances = [planes[name] for name in settings.variances]
    roots = [xp.full_like(data, xp.nan) if variance is None else xp.sqrt(variance) for variance in variances]
    return _Inputs([*means, *roots], weight, flags)


def _tiles(shape: tuple[int, int], content: Content) -> Iterator[Tile]:
    """Bands of rows of the grid, as many rows as memory for sums allows."""
    ny, nx = shape
    sums = 2 * (content.means + 1 + 2 * content.variances)
    rows = max(1, TILE_BYTES // (nx * sums * BYTES_OF_SUM))
    return (Tile(first, min(first + rows, ny), 0, nx) for first in range(0, ny, rows))


def _empty(values: Any, shape: tuple[int, int]) -> Any:
    """Room for a plane of the mosaic, of whose rows some are known."""
    return array_namespace(values).empty((*values.shape[:-2], *shape), dtype=values.dtype, device=device(values))
