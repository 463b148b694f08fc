"""WCS of images: from pixels of a detector to the sky."""

import copy
from typing import Any

from astropy import units as u
from astropy.coordinates import ICRS
from astropy.modeling import bind_bounding_box
from astropy.modeling.models import Identity, Shift
from gwcs import WCS
from gwcs.coordinate_frames import CelestialFrame, Frame2D

from gpipe.assign_wcs.boxes import Box, bounding_box
from gpipe.assign_wcs.pointing import Pointing, aberration_correction, v2v3_to_sky


def imaging_wcs(
    distortion: Any,
    pointing: Pointing,
    shape: tuple[int, ...],
    corner: tuple[int, int] = (1, 1),
    offset: tuple[float, float] | None = None,
) -> Any:
    """Make the WCS of an image.

    Frames: ``detector`` (pixels of the image, from 0), ``v2v3``, ``v2v3vacorr`` (arcsec), ``world`` (ICRS, deg). Later
    steps look for these names.

    Parameters
    ----------
    distortion : transform of pixels of the whole detector, from 0, to V2 and V3 in arcsec. Several WCS share it.
    pointing : direction of the telescope.
    shape : of the science array (…, row, column).
    corner : x and y of its first pixel on the detector, from 1.
    offset : columns and rows by which the image is shifted for its filter.
    """
    box = bounding_box(shape, corner, box_of(distortion))
    detector = Frame2D(name="detector", axes_order=(0, 1), unit=(u.pix, u.pix))
    world = CelestialFrame(name="world", reference_frame=ICRS())
    return WCS(
        [
            (detector, with_box(_to_v2v3(distortion, corner, offset), box)),
            (_telescope_frame("v2v3"), aberration_correction(pointing)),
            (_telescope_frame("v2v3vacorr"), v2v3_to_sky(pointing)),
            (world, None),
        ]
    )


def box_of(model: Any) -> Box | None:
    """The bounding box of a transform, x before y; None if it has none."""
    try:
        return tuple(model.bounding_box.bounding_box(order="F"))
    except NotImplementedError:
        return None


def with_box(model: Any, box: Box) -> Any:
    """The transform with a bounding box. The one that is given, which others may use, keeps its own."""
    bounded = copy.copy(model)
    bind_bounding_box(bounded, box, order="F")
    return bounded


def _to_v2v3(distortion: Any, corner: tuple[int, int], offset: tuple[float, float] | None) -> Any:
    model = distortion if offset is None else Shift(offset[0]) & Shift(offset[1]) | distortion
    if corner == (1, 1):
        return model
    x, y = (Identity(1) if first == 1 else Shift(first - 1) for first in corner)
    return x & y | model


def _telescope_frame(name: str) -> Any:
    return Frame2D(name=name, axes_order=(0, 1), axes_names=("v2", "v3"), unit=(u.arcsec, u.arcsec))
