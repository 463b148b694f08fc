"""Optics of images for tests of assign_wcs: detectors with a small analytic distortion, their references, and rates."""

from dataclasses import dataclass
from pathlib import Path

import asdf
import numpy as np
from astropy.modeling import bind_bounding_box
from astropy.modeling.models import Mapping, Polynomial2D, Shift
from stdatamodels.jwst import datamodels

from gpipe.assign_wcs.modes import REFERENCES

SINCE = "2020-01-01T00:00:00"


@dataclass(frozen=True)
class Camera:
    """A detector: its size, scale (arcsec), place in V2, V3 (arcsec), and what tells its exposures."""

    instrument: str
    detector: str
    exposure_type: str
    size: tuple[int, int]
    scale: float
    v2: float
    v3: float
    optics: tuple[tuple[str, str], ...] = ()


NIRCAM = Camera(
    "NIRCAM", "NRCALONG", "NRC_IMAGE", (2048, 2048), 0.063, 86.1, -493.2, (("filter", "F444W"), ("pupil", "CLEAR"))
)
NIRISS = Camera(
    "NIRISS", "NIS", "NIS_IMAGE", (2048, 2048), 0.0656, -290.0, -697.5, (("filter", "CLEAR"), ("pupil", "F200W"))
)
MIRI = Camera("MIRI", "MIRIMAGE", "MIR_IMAGE", (1032, 1024), 0.111, -453.6, -374.1, (("filter", "F770W"),))
FGS = Camera("FGS", "GUIDER1", "FGS_IMAGE", (2048, 2048), 0.069, 207.2, -697.5)
CAMERAS = (NIRCAM, NIRISS, MIRI, FGS)


def distortion(camera, box=None):
    """From pixels of the detector, from 0, to V2, V3: 1 % of distortion at the edges; ``box``: x before y."""
    x_center, y_center = ((n - 1) / 2 for n in camera.size)
    forward, back = (_polynomials(camera, inverse) for inverse in (False, True))
    model = Shift(-x_center) & Shift(-y_center) | Mapping((0, 1, 0, 1)) | forward | Shift(camera.v2) & Shift(camera.v3)
    model.inverse = (
        Shift(-camera.v2) & Shift(-camera.v3) | Mapping((0, 1, 0, 1)) | back | Shift(x_center) & Shift(y_center)
    )
    if box is not None:
        bind_bounding_box(model, box, order="F")
    return model


def _polynomials(camera, inverse):
    """Of pixels, or of arcseconds, around the middle; the inverse is a fit, as in references."""
    half, scale = max(camera.size) / 2, camera.scale
    x, y = np.meshgrid(*[np.linspace(-half, half, 40)] * 2)
    u, v = x / half, y / half
    turned = np.cos(0.017) * x + np.sin(0.017) * y, np.sin(0.017) * x - np.cos(0.017) * y
    bent = half * (0.004 * u * v + 0.003 * u**2 - 0.002 * u**3), half * (0.005 * v**2 - 0.002 * u**2 * v)
    seen = [scale * (a + b) for a, b in zip(turned, bent, strict=True)]
    given, wanted = (seen, (x, y)) if inverse else ((x, y), seen)
    return _fit(given, wanted[0]) & _fit(given, wanted[1])


def _fit(places, values, degree=5):
    """A polynomial through values, by least squares in scaled coordinates."""
    largest = max(np.abs(places[0]).max(), np.abs(places[1]).max())
    model = Polynomial2D(degree)
    powers = [tuple(map(int, name[1:].split("_"))) for name in model.param_names]
    columns = [((places[0] / largest) ** i * (places[1] / largest) ** j).ravel() for i, j in powers]
    found = np.linalg.lstsq(np.stack(columns, -1), values.ravel(), rcond=None)[0]
    return Polynomial2D(
        degree, **{n: c / largest ** (i + j) for n, c, (i, j) in zip(model.param_names, found, powers, strict=True)}
    )


def write_distortion(camera, path, *, box=None):
    """A distortion reference."""
    model = datamodels.DistortionModel(model=distortion(camera, box), input_units="pixel", output_units="arcsec")
    _describe(model.meta, camera, "distortion")
    model.meta.instrument.instance.update(channel="LONG", module="A", p_pupil="CLEAR|")
    model.meta.exposure.p_exptype = f"{camera.exposure_type}|"
    model.save(path)
    return Path(path)


def write_offsets(camera, path, rows):
    """A reference of filter offsets: rows of filter, pupil (but for MIRI), column_offset and row_offset."""
    meta = {
        "telescope": "JWST",
        "reftype": "filteroffset",
        "instrument": {"name": camera.instrument, "detector": camera.detector},
    }
    meta |= {"description": "test", "author": "test", "pedigree": "GROUND", "useafter": SINCE}
    asdf.AsdfFile({"meta": meta, "filters": rows}).write_to(path)
    return Path(path)


def _describe(meta, camera, reftype):
    meta.reftype, meta.telescope = reftype, "JWST"
    meta.instrument.name, meta.instrument.detector = camera.instrument, camera.detector
    meta.description, meta.author, meta.pedigree, meta.useafter = "test", "test", "GROUND", SINCE


def make_rate(camera, *, window=None, nints=None, **wcsinfo):
    """Rates, 0 everywhere, of a window (x and y of its corner from 1, columns, rows), the detector if None."""
    xstart, ystart, columns, rows = window or (1, 1, *camera.size)
    shape = (rows, columns) if nints is None else (nints, rows, columns)
    model = datamodels.ImageModel() if nints is None else datamodels.CubeModel()
    for name in ("data", "err", "var_poisson", "var_rnoise"):
        model.instance[name] = np.zeros(shape, np.float32)
    model.dq = np.zeros(shape, np.uint32)
    _describe_exposure(model.meta, camera, xstart, ystart, columns, rows)
    model.meta.wcsinfo.instance.update(
        {
            "wcsaxes": 2,
            "ra_ref": 80.5,
            "dec_ref": -69.5,
            "v2_ref": camera.v2,
            "v3_ref": camera.v3,
            "roll_ref": 33.0,
            "vparity": -1,
            "v3yangle": 0.5,
            "crpix1": (columns + 1) / 2,
            "crpix2": (rows + 1) / 2,
            "cdelt1": 1e-5,
            "cdelt2": 1e-5,
            "pc1_1": 1.0,
            "pc2_2": 1.0,
            "ctype1": "RA---TAN",
            "ctype2": "DEC--TAN",
            **wcsinfo,
        }
    )
    return model


def _describe_exposure(meta, camera, xstart, ystart, columns, rows):
    meta.filename, meta.telescope = "jw00001001001_02101_00001_test_rate.fits", "JWST"
    meta.instrument.instance.update(name=camera.instrument, detector=camera.detector, **dict(camera.optics))
    meta.exposure.type, meta.exposure.readpatt = camera.exposure_type, "ANY"
    corner = {"xstart": xstart, "ystart": ystart, "xsize": columns, "ysize": rows}
    meta.subarray.instance.update(name="FULL", fastaxis=-1, slowaxis=2, **corner)
    meta.observation.instance.update(date="2026-07-01", time="00:00:00.000")
    meta.velocity_aberration.scale_factor = 1.00007
    meta.coordinates.reference_frame = "ICRS"
    meta.bunit_data = meta.bunit_err = "DN/s"


def overrides(**given):
    """Parameters of a step that replace all of its references: by a file, or by N/A."""
    return {f"override_{reftype}": str(given.get(reftype, "N/A")) for reftype in REFERENCES}
