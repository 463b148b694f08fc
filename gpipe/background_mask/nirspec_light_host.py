"""Regions of a NIRSpec detector that light may reach, from the WCS of an exposure."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from gpipe.exceptions import InputError

BEHIND_SLITS = ("NRS_FIXEDSLIT", "NRS_BRIGHTOBJ", "NRS_MSASPEC")
BEHIND_SLICES = ("NRS_IFU",)
_FIXED_SLIT_ROWS = slice(922, 1116)
"""Rows that the fixed slits illuminate in exposures of other apertures."""
_FIXED_SLIT_QUADRANT = 5


def needs_wcs(meta: Any) -> bool:
    """Tell whether the regions come from the WCS. Other exposures have no known illuminated aperture."""
    return meta.exposure.type in (*BEHIND_SLITS, *BEHIND_SLICES)


def has_wcs(meta: Any) -> bool:
    """Tell whether the exposure has a WCS."""
    return getattr(meta, "wcs", None) is not None


def missing(meta: Any, *, open_shutters: bool) -> str:
    """Name what an exposure lacks: the WCS and, if wanted, flags of shutters that failed open. Empty if nothing."""
    lacking = [] if has_wcs(meta) else ["no WCS"]
    if open_shutters and meta.cal_step.msa_flagging is None:
        lacking.append("no flags of shutters that failed open (S_MSAFLG)")
    return " and ".join(lacking)


def lit_pixels(meta: Any, shape: tuple[int, int]) -> np.ndarray:
    """Mark the pixels behind slits and slices, and behind the fixed slits if other apertures are observed.

    Parameters
    ----------
    meta : metadata with the WCS that jwst's assign_wcs makes, where ``needs_wcs``.
    shape : (row, column) of the exposure.

    Returns
    -------
    bool, (row, column), in host memory. Slits count with their whole bounding boxes.

    Notes
    -----
    https://jwst-pipeline.readthedocs.io/en/latest/jwst/clean_flicker_noise/description.html
    """
    lit = np.zeros(shape, dtype=bool)
    if meta.exposure.type in BEHIND_SLICES:
        lit |= _slice_map(meta.wcs) > 0
        lit[_FIXED_SLIT_ROWS] = True
    elif meta.exposure.type in BEHIND_SLITS:
        to_slits = meta.wcs.get_transform("gwa", "slit_frame")
        for rows, columns in _boxes(meta.wcs, to_slits.slit_ids):
            lit[rows, columns] = True
        if meta.exposure.type == "NRS_MSASPEC" and not _any_fixed_slit(to_slits):
            lit[_FIXED_SLIT_ROWS] = True
    return lit


def _boxes(wcs: Any, slits: Any) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of pixels with their centre in the bounding box of a slit."""
    for slit in slits:
        box = wcs.bounding_box[slit]
        yield _pixels(box[1]), _pixels(box[0])


def _pixels(interval: Any) -> slice:
    return slice(*(max(0, math.floor(limit + 0.5)) for limit in interval))


def _any_fixed_slit(to_slits: Any) -> bool:
    return any(getattr(slit, "quadrant", None) == _FIXED_SLIT_QUADRANT for slit in to_slits.slits)


def _slice_map(wcs: Any) -> np.ndarray:
    """Map of the number of each pixel's slice, 0 between slices."""
    for step in wcs.pipeline:
        labels = getattr(step.transform, "label_mapper", None)
        if labels is not None:
            return np.asarray(labels.mapper)
    raise InputError("the WCS of an IFU exposure: found no map of slices; expected one as jwst's assign_wcs makes it")
