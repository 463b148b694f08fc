"""Keywords of a grid: the linear WCS of FITS, and the outline on the sky."""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gpipe.coordinates.chebyshev import Floats
from gpipe.coordinates.output_grid import Outline, OutputGrid
from gpipe.coordinates.regions import keyword, union
from gpipe.exceptions import ParameterError

log = logging.getLogger(__name__)

OF_ANOTHER_GRID = r"(cd|pc)[12]_[12]|cdelt[12]|[ab]p?_\d_\d|[ab]p?_order"
OF_THE_TELESCOPE = r"v[23]_ref|(ra|dec|roll)_ref|v3yangle|vparity"
OBSOLETE = f"{OF_ANOTHER_GRID}|{OF_THE_TELESCOPE}"
"""Keywords of an exposure's WCS that do not hold for a grid, or are set anew."""
FIT_POINTS = 12


def wcsinfo(first: Mapping[str, Any], grid: OutputGrid, outlines: Sequence[Outline]) -> dict[str, Any]:
    """Make the ``meta.wcsinfo`` of a resampled image from that of the first exposure, and all exposures' outlines."""
    left = {key: value for key, value in first.items() if not re.fullmatch(OBSOLETE, key)}
    crpix = first.get("crpix1"), first.get("crpix2")
    return left | keywords(grid, None if None in crpix else crpix) | {"s_region": s_region(grid, outlines)}


def keywords(grid: OutputGrid, crpix: tuple[Any, Any] | None = None) -> dict[str, Any]:
    """Find the values of a grid's linear WCS by the names that ``meta.wcsinfo`` has for them.

    A WCS that is not linear is fitted in its own projection, about the pixel ``crpix`` (from 1), and a warning says so.
    """
    from gwcs import FITSImagingWCSTransform

    transform = grid.wcs.forward_transform
    if isinstance(transform, FITSImagingWCSTransform):
        return _linear(grid.wcs, transform)
    log.warning("output_wcs holds more than a linear WCS and a projection: its keywords are of a linear fit to it")
    return _fitted(grid, _projection(transform), crpix)


def _linear(wcs: Any, transform: Any) -> dict[str, Any]:
    from astropy.wcs.utils import celestial_frame_to_wcs

    frame = celestial_frame_to_wcs(wcs.output_frame.reference_frame, projection=transform.projection.prjprm.code).wcs
    found: dict[str, Any] = {"radesys": frame.radesys}
    for axis in (0, 1):
        found |= {
            f"crpix{axis + 1}": float(transform.crpix[axis]) + 1,
            f"crval{axis + 1}": float(transform.crval[axis]),
            f"cdelt{axis + 1}": float(transform.cdelt[axis]),
            f"ctype{axis + 1}": frame.ctype[axis],
            f"cunit{axis + 1}": str(wcs.output_frame.unit[axis]),
        }
        found |= {f"pc{axis + 1}_{other + 1}": float(transform.pc[axis][other]) for other in (0, 1)}
    return found


def _projection(transform: Any) -> str:
    """The code of the first projection of a transform."""
    from astropy.modeling.projections import Projection

    models = transform.traverse_postorder() if hasattr(transform, "traverse_postorder") else [transform]
    code = next((model.prjprm.code for model in models if isinstance(model, Projection)), None)
    if code is None:
        raise ParameterError("output_wcs: its transform holds no projection of the sky; expected one, as Pix2Sky_TAN")
    return code


def _fitted(grid: OutputGrid, projection: str, crpix: tuple[Any, Any] | None) -> dict[str, Any]:
    """The header of a linear fit, without the size."""
    header = grid.wcs.to_fits_sip(
        degree=1,
        max_pix_error=np.inf,
        max_inv_pix_error=None,
        inv_degree=0,
        npoints=FIT_POINTS,
        crpix=crpix,
        projection=projection,
    )
    del header["naxis*"]
    return {key.lower(): value for key, value in header.items()}


def s_region(grid: OutputGrid, outlines: Sequence[Outline]) -> str | None:
    """Unite the outlines of exposures within a grid; None, with a warning, where nothing is left."""
    transform = grid.wcs.forward_transform
    to_pixels = transform.inverse
    inputs = [np.stack(to_pixels(*polygon.T), -1) for outline in outlines for polygon in outline.polygons]
    parts = union(inputs, _frame(grid.wcs))
    if not parts:
        log.warning("S_REGION is not set: no exposure lies within the output grid")
        return None
    return keyword(np.stack(transform(*part.T), -1) for part in parts)


def _frame(wcs: Any) -> Floats:
    """Corners of the bounding box, in pixels."""
    (x0, x1), (y0, y1) = wcs.bounding_box.bounding_box(order="F")
    return np.array([(x0, y0), (x0, y1), (x1, y1), (x1, y0)])
