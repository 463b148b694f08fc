"""From the telescope's V2, V3 to the sky."""

from dataclasses import dataclass
from typing import Any

from astropy.modeling.models import Identity, RotationSequence3D, Scale, Shift
from gwcs.geometry import CartesianToSpherical, SphericalToCartesian


@dataclass(frozen=True)
class Pointing:
    """Direction of the telescope, as an exposure's header has it.

    Attributes
    ----------
    v2_ref, v3_ref : arcsec, the reference point.
    ra_ref, dec_ref : deg, its place in the sky.
    roll_ref : deg, position angle of V3 there, north to east.
    aberration : ratio of apparent to true angles around the reference point; None for 1.
    """

    v2_ref: float
    v3_ref: float
    ra_ref: float
    dec_ref: float
    roll_ref: float
    aberration: float | None = None


def aberration_correction(pointing: Pointing) -> Any:
    """Transform of V2, V3 (arcsec) that undoes the differential velocity aberration.

    v' = s v + (1 - s) v_ref for a scale s; the identity if there is none. ``tweakreg`` looks for the name.
    """
    scale, v2, v3 = pointing.aberration, pointing.v2_ref, pointing.v3_ref
    if scale is None or scale == 1:
        return Identity(2)
    scaled = Scale(scale, name="dva_scale_v2") & Scale(scale, name="dva_scale_v3")
    if v2 == v3 == 0:
        return scaled
    model = scaled | Shift((1 - scale) * v2, name="dva_v2_shift") & Shift((1 - scale) * v3, name="dva_v3_shift")
    model.name = "DVA_Correction"
    return model


def v2v3_to_sky(pointing: Pointing) -> Any:
    """Transform of V2, V3 (arcsec) to right ascension, from 0 to 360, and declination (deg)."""
    angles = (
        pointing.v2_ref / 3600,
        -pointing.v3_ref / 3600,
        pointing.roll_ref,
        pointing.dec_ref,
        -pointing.ra_ref,
    )
    model = (
        Scale(1 / 3600) & Scale(1 / 3600)
        | SphericalToCartesian(wrap_lon_at=180)
        | RotationSequence3D(angles, axes_order="zyxyz")
        | CartesianToSpherical(wrap_lon_at=360)
    )
    model.name = "v23tosky"
    return model
