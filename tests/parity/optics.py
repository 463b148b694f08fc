"""References of the optics, with which jwst makes a WCS: the simplest by which light falls about where it should."""

import json

import numpy as np
from astropy import units as u
from astropy.modeling.models import Mapping, Scale, Shift
from stdatamodels.jwst import datamodels

WCS_TYPES = (
    "distortion", "filteroffset", "specwcs", "regions", "wavelengthrange", "camera", "chromcorr", "collimator",
    "disperser", "fore", "fpa", "msa", "ote", "ifupost", "ifufore", "ifuslicer",
)  # fmt: skip
"""All that jwst's assign_wcs asks CRDS for."""


def described(model, **instrument):
    """What every reference has."""
    meta = model.meta
    meta.telescope, meta.useafter, meta.author, meta.pedigree = "JWST", "2020-01-01T00:00:00", "test", "DUMMY"
    meta.description = "Idealised optics"
    for name, value in instrument.items():
        setattr(meta.instrument, name, value)
    return model


def saved(model, folder):
    path = folder / f"{model.reftype}.asdf"
    model.save(path)
    return path


def of_an_imager(folder, pixel_scale=0.063, **instrument):
    """A distortion without distortions: pixels to arcsec about (120, -490)."""
    pixels = Scale(pixel_scale) & Scale(pixel_scale) | Shift(120 - 1024 * pixel_scale) & Shift(
        -490 - 1024 * pixel_scale
    )
    model = datamodels.DistortionModel(model=pixels, input_units=u.pix, output_units=u.arcsec)
    described(model, **instrument).meta.instrument.p_pupil = "CLEAR|"
    return dict.fromkeys(WCS_TYPES) | {"distortion": saved(model, folder)}


CAMERA, COLLIMATOR = 0.27, 0.6
"""Focal lengths of NIRSpec, metres: a millimetre in the plane of the shutters is 25 pixels."""
PIXEL = 18e-6
GROOVES = 1e5
RANGES = {"F100LP_G140M": (0.97e-6, 1.89e-6), "CLEAR_PRISM": (0.6e-6, 5.3e-6)}
SHUTTERS = (171, 365)
PITCH = (0.204e-3, 0.105e-3)
SHUTTER = np.dtype([("NO", "i4"), ("XC", "f8"), ("YC", "f8"), ("SIZEX", "f8"), ("SIZEY", "f8")])
OPEN = ({"Q": 1, "x": 120, "y": 60}, {"Q": 3, "x": 200, "y": 100})
"""Shutters that failed open, in quadrants above and below the fixed slits."""


def of_nirspec(folder, grating="G140M", detector="NRS1"):
    """A spectrograph without distortions, whose grating throws the middle of its range on the middle of a detector."""
    middle = GROOVES * sum(RANGES["F100LP_G140M"]) / 2
    on_axis = Shift(-1023) & Shift(-1023) | Scale(PIXEL) & Scale(PIXEL)
    one_plane = Mapping((0, 1), n_inputs=3)
    fore = one_plane | Scale(0.7) & Scale(0.7)
    ote = Scale(3600.0) & Scale(3600.0) | Shift(380.0) & Shift(-480.0)
    models = [
        datamodels.CameraModel(model=Scale(1 / CAMERA) & Scale(1 / CAMERA) | Shift(middle) & Shift(0.0)),
        datamodels.CollimatorModel(model=Scale(COLLIMATOR) & Scale(COLLIMATOR)),
        datamodels.FPAModel(nrs1_model=on_axis, nrs2_model=on_axis),
        datamodels.FOREModel(model=fore),
        datamodels.OTEModel(model=ote),
        datamodels.MSAModel(
            models=_quadrants(), data=dict.fromkeys(("Q1", "Q2", "Q3", "Q4"), _shutters()) | {"Q5": _slits()}
        ),
        _disperser(grating),
        datamodels.WavelengthrangeModel(
            wrange_selector=list(RANGES),
            wrange=[list(r) for r in RANGES.values()],
            order=[-1] * len(RANGES),
            wunits=u.m,
        ),
    ]
    found = {m.reftype: saved(described(m, name="NIRSPEC", detector=detector), folder) for m in models}
    return dict.fromkeys(WCS_TYPES) | found | {"msaoper": _open_shutters(folder)}


def _disperser(grating):
    model = datamodels.DisperserModel(groovedensity=GROOVES, theta_x=0.0, theta_y=0.0, theta_z=0.0)
    model.tilt_x = model.tilt_y = 0.0
    model.meta.instrument.grating = grating
    return model


def _quadrants():
    """Corners of the quadrants, and the middle of the fixed slits, metres."""
    corners = {"Q1": (-38e-3, 6e-3), "Q2": (0.0, 6e-3), "Q3": (-38e-3, -41e-3), "Q4": (0.0, -41e-3), "Q5": (0.0, 0.0)}
    return {name: Shift(x) & Shift(y) for name, (x, y) in corners.items()}


def _shutters():
    row, column = np.indices(SHUTTERS).reshape(2, -1)
    table = np.zeros(row.size, SHUTTER)
    table["NO"], table["XC"], table["YC"] = np.arange(row.size) + 1, column * PITCH[1], row * PITCH[0]
    table["SIZEX"], table["SIZEY"] = 0.078e-3, 0.178e-3
    return table


def _slits():
    """S200A1, S200A2, S400A1, S1600A1, S200B1."""
    rows = [(0, 0, 1.5e-3, 0.08e-3, 1.3e-3), (1, 0, -1.5e-3, 0.08e-3, 1.3e-3), (2, 0, 0, 0.16e-3, 1.3e-3),
            (3, 0, 3e-3, 0.64e-3, 0.64e-3), (4, 0, -3e-3, 0.08e-3, 1.3e-3)]  # fmt: skip
    return np.array(rows, SHUTTER)


def _open_shutters(folder):
    path = folder / "msaoper.json"
    state = {"state": "closed", "TA state": "closed", "Internal state": "open"}
    path.write_text(json.dumps({"msaoper": [shutter | state for shutter in OPEN]}))
    return path
