"""Resampling of exposures and groups: the grid is laid out by metadata before a pixel is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gpipe.arrays import Array
from gpipe.backends import Backend
from gpipe.controller.plan.memory import Limits
from gpipe.coordinates.output_grid import GridOptions, OutputGrid, output_grid, refuse_large
from gpipe.coordinates.output_wcs import read_grid
from gpipe.coordinates.wcs_maps import map_to_grid
from gpipe.datamodels.exposures.groups.group import Group
from gpipe.datamodels.exposures.image import Image, Mosaic
from gpipe.exceptions import InputError
from gpipe.resample.header_exposure import check_wcs, first_exposure, mosaic_header, outline_of, times_of
from gpipe.resample.mosaic_exposure import Source, mosaic_planes
from gpipe.resample.settings import EXPTIME, Settings
from gpipe.resample.weights import weighting_time


@dataclass(frozen=True)
class Input:
    """An exposure that is resampled: what is known of it before its pixels are read.

    Attributes
    ----------
    name : for messages.
    header : its ``stdatamodels`` model without pixels.
    shape : rows and columns.
    pixels : gives rows of planes, as `Member.pixels` does.
    group_id : the same for exposures that several detectors took at once.
    """

    name: str
    header: Any
    shape: Any
    pixels: Any
    group_id: str

    @property
    def meta(self) -> Any:
        """The ``stdatamodels`` metadata tree."""
        return self.header.meta


@dataclass(frozen=True)
class InHand:
    """Pixels of an exposure in flight, by rows."""

    exposure: Image

    def rows(self, plane: str, rows: slice, backend: Backend) -> Array:
        """Return rows of a plane; None if the exposure lacks it."""
        values = getattr(self.exposure, plane)
        return None if values is None else values[..., rows, :]


def inputs_of(exposure: Any) -> list[Input]:
    """List the exposures of a group, or a single one."""
    if isinstance(exposure, Group):
        members = enumerate(exposure.members, 1)
        return [
            Input(m.name, m.header, m.shape, m.pixels, m.group_id or f"exposure{number:04d}") for number, m in members
        ]
    name = str(exposure.meta.filename)
    return [Input(name, exposure.header, exposure.shape, InHand(exposure), "exposure0001")]


def check_inputs(inputs: Sequence[Input]) -> None:
    """Refuse exposures that are no images with a WCS: raises `InputError`."""
    for each in inputs:
        if len(each.shape) != 2:
            raise InputError(f"{each.name}: found a shape of {each.shape}; expected a 2D image, (row, column)")
        check_wcs(each.meta, each.name)


@dataclass(frozen=True)
class Resampling:
    """Resampling of exposures to one grid.

    Attributes
    ----------
    inputs : the exposures that the grid is laid out by.
    grid : of pixels.
    settings : of drizzle.
    parameters : values for ``meta.resample``.
    backend : where the arrays live.
    """

    inputs: Sequence[Input]
    grid: OutputGrid
    settings: Settings
    parameters: dict[str, Any]
    backend: Backend

    def mosaic(self, chosen: Sequence[Input]) -> Mosaic:
        """Resample some of the exposures."""
        planes = mosaic_planes([self._source(each) for each in chosen], self.grid, self.settings, self.backend)
        groups = [each.group_id for each in chosen]
        outlines = [outline_of(each.meta, each.name) for each in self.inputs]
        metas = [each.meta for each in chosen]
        header = mosaic_header(chosen[0].header, metas, groups, self.grid, outlines, self.settings, self.parameters)
        return Mosaic(header, self.backend, **planes)

    def by_group(self) -> list[Mosaic]:
        """Resample each group by itself."""
        groups = dict.fromkeys(each.group_id for each in self.inputs)
        return [self.mosaic([each for each in self.inputs if each.group_id == group]) for group in groups]

    def _source(self, one: Input) -> Source:
        times, background, settings = times_of(one.meta), one.meta.background, self.settings
        time = 0.0
        if settings.weight_type == EXPTIME:
            time = weighting_time(times.measurement_time, times.exposure_time, name=one.name)
        found = map_to_grid(one.meta.wcs, one.shape, self.grid.wcs, settings.stepsize, settings.order)
        level = None if background.subtracted else background.level
        return Source(one.name, one.pixels, one.shape, found, time, level)


def grid_for(
    inputs: Sequence[Input], options: GridOptions, output_wcs: str, settings: Settings, backend: Backend
) -> OutputGrid:
    """Lay out the grid of exposures, and refuse one that memory does not hold."""
    outlines = [outline_of(each.meta, each.name) for each in inputs]
    first = first_exposure(inputs[0].meta, inputs[0].shape, inputs[0].name)
    custom = read_grid(output_wcs, first, options.output_shape) if output_wcs else None
    grid = custom or output_grid(outlines, first, options)
    limit = Limits.of("auto").budget(backend)
    if limit is not None:
        refuse_large(grid, outlines, settings.bytes_per_pixel(len(inputs)), limit)
    return grid
