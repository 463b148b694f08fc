"""Metadata of a mosaic: those of its first exposure, with the grid's, and the times of all."""

from collections.abc import Sequence
from typing import Any

from gpipe.coordinates.grid_header import wcsinfo
from gpipe.coordinates.output_grid import FirstExposure, Outline, OutputGrid
from gpipe.datamodels.files.jwst_models import model_class
from gpipe.exceptions import InputError
from gpipe.resample.exposure_times import Times, combined
from gpipe.resample.settings import Settings


def check_wcs(meta: Any, name: str) -> None:
    """Refuse an exposure without the WCS of an image: raises `InputError`."""
    wcs = meta.wcs
    if wcs is None:
        raise InputError(f"{name}: found no WCS; run assign_wcs on it before")
    axes = tuple(wcs.output_frame.axes_type)
    if axes != ("SPATIAL", "SPATIAL"):
        raise InputError(f"{name}: found a WCS with axes {', '.join(axes)}; expected two on the sky")


def first_exposure(meta: Any, shape: tuple[int, int], name: str) -> FirstExposure:
    """Describe the exposure that a grid is laid out by."""
    return FirstExposure(name, meta.wcs, shape, meta.wcsinfo.instance, meta.photometry.pixelarea_steradians)


def outline_of(meta: Any, name: str) -> Outline:
    """Read the outline of an exposure."""
    return Outline.read(name, meta.wcsinfo.s_region)


def times_of(meta: Any) -> Times:
    """Read the times of an exposure."""
    exposure = meta.exposure
    return Times(
        exposure.exposure_time, exposure.duration, exposure.measurement_time, exposure.start_time, exposure.end_time
    )


def mosaic_header(
    header: Any,
    metas: Sequence[Any],
    groups: Sequence[str],
    grid: OutputGrid,
    outlines: Sequence[Outline],
    settings: Settings,
    parameters: dict[str, Any],
) -> Any:
    """Make the ``stdatamodels`` model without pixels of a mosaic.

    Parameters
    ----------
    header : of the first exposure.
    metas, groups, outlines : of all exposures.
    parameters : values for ``meta.resample``.
    """
    from gpipe.datamodels.files.metadata import new_model, take_over  # pulls in stdatamodels

    model = new_model(model_class("ImageModel"))
    take_over(model, header)
    meta = model.meta.instance
    meta["wcs"] = grid.wcs
    if "group_id" in header.meta.instance:
        meta["group_id"] = header.meta.instance["group_id"]
    meta["wcsinfo"] = wcsinfo(meta.get("wcsinfo", {}), grid, outlines)
    area, area_arcsec = grid.pixel_area
    meta.setdefault("photometry", {}).update(pixelarea_steradians=area, pixelarea_arcsecsq=area_arcsec)
    meta["resample"] = {"pointings": len(set(groups)), "pixel_scale_ratio": grid.pixel_scale_ratio, **parameters}
    meta.setdefault("exposure", {}).update(_times(combined([times_of(each) for each in metas], groups)))
    meta.setdefault("background", {}).update(level=None, subtracted=None)
    if settings.errors == "none":
        meta.pop("bunit_err", None)
    return model


def _times(times: Times) -> dict[str, Any]:
    return {
        "exposure_time": times.exposure_time,
        "effective_exposure_time": times.exposure_time,
        "duration": times.duration,
        "elapsed_exposure_time": times.duration,
        "measurement_time": times.measurement_time,
        "start_time": times.start,
        "end_time": times.end,
    }
