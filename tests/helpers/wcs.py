"""World coordinates of imaging exposures with distortions of realistic size, made without a reference file."""

from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.coordinates import ICRS
from astropy.modeling.models import AffineTransformation2D, Mapping, Polynomial2D, Scale, Shift
from astropy.modeling.rotations import RotationSequence3D
from gwcs import WCS
from gwcs.coordinate_frames import CelestialFrame, Frame2D
from gwcs.geometry import CartesianToSpherical, SphericalToCartesian

DEGREE = 4


@dataclass(frozen=True)
class Optics:
    """A detector in the telescope's field: reference point [arcsec], pixel scale [arcsec], angle [deg], parity."""

    v2: float
    v3: float
    scale: float
    angle: float
    parity: int
    shape: tuple[int, int] = (2048, 2048)
    terms: float = 0.01
    """The size of the terms beyond the linear one, in fields of view."""


NIRCAM = Optics(120.6, -527.4, 0.0311, -0.56, -1)
NIRISS = Optics(-290.1, -697.5, 0.0656, 0.57, -1, terms=0.02)
MIRI = Optics(-453.6, -374.0, 0.11, 4.8, -1, (1024, 1032), terms=0.02)
FGS = Optics(207.2, -697.5, 0.0691, -1.25, -1, terms=0.015)


def imaging_wcs(optics=NIRCAM, ra=53.1, dec=-27.8, roll=40.0, *, shape=None, corner=(0, 0), box=None, tweak=None):
    """Make the WCS and the wcsinfo of an exposure whose reference point is seen at ``ra``, ``dec`` [deg].

    ``corner`` is the first column and row of a window; ``tweak`` the matrix and shift of an affine step in v2v3.
    """
    ny, nx = shape or optics.shape
    to_v2v3 = _distortion(optics)
    if any(corner):
        to_v2v3 = Shift(corner[0]) & Shift(corner[1]) | to_v2v3
    aberration = Scale(1.00003) & Scale(1.00003) | Shift(-3e-5 * optics.v2) & Shift(-3e-5 * optics.v3)
    if tweak is not None:
        aberration = aberration | AffineTransformation2D(*tweak)
    steps = [
        (Frame2D(name="detector"), to_v2v3),
        (Frame2D(name="v2v3", unit=(u.arcsec, u.arcsec)), aberration),
        (Frame2D(name="v2v3vacorr", unit=(u.arcsec, u.arcsec)), _to_sky(optics, ra, dec, roll)),
        (CelestialFrame(name="world", reference_frame=ICRS(), unit=(u.deg, u.deg)), None),
    ]
    wcs = WCS(steps)
    wcs.bounding_box = box or ((-0.5, nx - 0.5), (-0.5, ny - 0.5))
    info = {"ra_ref": ra % 360, "dec_ref": dec, "roll_ref": roll, "v2_ref": optics.v2, "v3_ref": optics.v3}
    return wcs, info | {"v3yangle": optics.angle, "vparity": optics.parity, "s_region": s_region(wcs)}


def s_region(wcs):
    corners = wcs.footprint(center=False)
    corners[:, 0] %= 360
    return "POLYGON ICRS  " + " ".join(f"{value:.9f}" for value in corners.ravel())


def moving(wcs, ra, dec):
    """Follow a target that has moved by ``ra``, ``dec`` [deg]: a further step, as assign_mtwcs adds it."""
    *steps, _ = wcs.pipeline
    followed = CelestialFrame(name="moving_target", reference_frame=ICRS(), unit=(u.deg, u.deg))
    added = WCS([*steps, (wcs.output_frame, Shift(ra) & Shift(dec)), (followed, None)])
    added.bounding_box = wcs.bounding_box
    return added


def _to_sky(optics, ra, dec, roll):
    turned = RotationSequence3D([optics.v2 / 3600, -optics.v3 / 3600, roll, dec, -ra], "zyxyz")
    to_degrees = Scale(1 / 3600) & Scale(1 / 3600)
    return to_degrees | SphericalToCartesian(wrap_lon_at=180) | turned | CartesianToSpherical(wrap_lon_at=360)


def _distortion(optics):
    """Detector pixels to V2, V3: linear terms, and others up to the fourth order; the inverse is fitted."""
    ny, nx = optics.shape
    half = max(ny, nx) / 2
    random = np.random.default_rng(round(1e4 * optics.scale))
    ideal = [_polynomial(axis, optics.terms * random.uniform(-1, 1, 15)) for axis in (0, 1)]
    angle = np.deg2rad(optics.angle)
    turn = (
        optics.scale
        * half
        * np.array([[optics.parity * np.cos(angle), np.sin(angle)], [-optics.parity * np.sin(angle), np.cos(angle)]])
    )
    to_unit = Shift(-nx / 2) & Shift(-ny / 2) | Scale(1 / half) & Scale(1 / half)
    forward = to_unit | _both(*ideal) | AffineTransformation2D(turn, [optics.v2, optics.v3])
    forward.inverse = (
        AffineTransformation2D(turn, [optics.v2, optics.v3]).inverse | _both(*_way_back(ideal)) | to_unit.inverse
    )
    return forward


def _both(first, second):
    return Mapping((0, 1, 0, 1)) | first & second


def _polynomial(axis, terms):
    polynomial = Polynomial2D(DEGREE)
    for name, value in zip(polynomial.param_names, terms, strict=True):
        i, j = (int(power) for power in name[1:].split("_"))
        setattr(polynomial, name, value / (i + j) ** 2 if i + j > 1 else float((i, j) == (1 - axis, axis)))
    return polynomial


def _way_back(ideal):
    x, y = (t.ravel() for t in np.meshgrid(*2 * [np.linspace(-1.05, 1.05, 30)]))
    there = [polynomial(x, y) for polynomial in ideal]
    back = [Polynomial2D(DEGREE + 1), Polynomial2D(DEGREE + 1)]
    powers = [tuple(int(power) for power in name[1:].split("_")) for name in back[0].param_names]
    terms = np.stack([there[0] ** i * there[1] ** j for i, j in powers], -1)
    for polynomial, wanted in zip(back, (x, y), strict=True):
        polynomial.parameters = np.linalg.lstsq(terms, wanted)[0]
    return back
