"""References of the optics, with which jwst makes a WCS: the simplest by which light falls about where it should."""

import json

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.modeling.models import Identity, Mapping, Polynomial1D, Polynomial2D, Scale, Shift
from stdatamodels.jwst import datamodels

LATER_TYPES = (
    "distortion", "filteroffset", "specwcs", "regions", "wavelengthrange", "camera", "chromcorr", "collimator",
    "disperser", "fore", "fpa", "msa", "ote", "ifupost", "ifufore", "ifuslicer", "extract1d", "apcorr", "specprofile",
    "speckernel", "psf", "bkg", "fflat", "sflat", "dflat",
)  # fmt: skip
"""Reference types that jwst's steps of later stages request from CRDS, and stage 1 does not."""

# NIRSpec. Lengths are in metres; in the plane of the shutters a millimetre is 25 pixels.
CAMERA, COLLIMATOR, PIXEL = 0.27, 0.6, 18e-6
GROOVES = 1e5
RANGE = (0.97e-6, 1.89e-6)
SHUTTERS, PITCH = (171, 365), (0.204e-3, 0.105e-3)
APERTURE = np.dtype([("NO", "i4"), ("XC", "f8"), ("YC", "f8"), ("SIZEX", "f8"), ("SIZEY", "f8")])
SLIT_HEIGHTS = (3.6e-3, -1.5e-3, 0.0, 2e-3, -3e-3)
"""Heights of the middles of S200A1, S200A2, S400A1, S1600A1 and S200B1."""
FAILED_OPEN = ({"Q": 1, "x": 120, "y": 60}, {"Q": 3, "x": 200, "y": 100})


def of_an_imager(folder, pixel_scale=0.063, **instrument):
    """A distortion without distortions: pixels to arcsec about (120, -490)."""
    corner = 1024 * pixel_scale
    to_sky = Scale(pixel_scale) & Scale(pixel_scale) | Shift(120 - corner) & Shift(-490 - corner)
    model = datamodels.DistortionModel(model=to_sky, input_units=u.pix, output_units=u.arcsec)
    model.meta.instrument.p_pupil = "CLEAR|"
    return _references([_described(model, **instrument)], folder)


def of_a_grism(folder):
    """NIRCam's grism along rows: 2.4 to 5 micron over 2000 pixels about the source."""
    instrument = {"name": "NIRCAM", "module": "A", "channel": "LONG", "detector": "NRCALONG"}
    along, wavelength = Polynomial1D(1, c0=-1000.0, c1=2000.0), Polynomial1D(1, c0=2.4, c1=2.6)
    specwcs = datamodels.NIRCAMGrismModel(
        displ=[wavelength], dispx=[along], dispy=[Polynomial1D(1)], orders=[1],
        invdispl=[Polynomial1D(1, c0=-2.4 / 2.6, c1=1 / 2.6)], invdispx=[Polynomial1D(1, c0=0.5, c1=1 / 2000)],
    )  # fmt: skip
    ranges = datamodels.WavelengthrangeModel(
        wrange=[[1, 2, "F444W", 3.9, 5.0]], order=[1], extract_orders=[["F444W", [1]]], wunits=u.micron
    )
    models = [_described(model, **instrument) for model in (specwcs, ranges)]
    for model in models:
        model.meta.exposure.type = "NRC_TSGRISM"
    specwcs.meta.input_units, specwcs.meta.output_units = u.pix, u.micron
    found = {name: path for name, path in _references(models, folder).items() if path is not None}
    return of_an_imager(folder, **instrument) | found


def of_nirspec(folder, detector="NRS1", off_detector=False):
    """A spectrograph without distortions. Its grating throws the middle of its range on the middle of the detector.

    ``off_detector`` moves the detector away from the light.
    """
    on_axis = Shift(-1023) & Shift(-1023) | Scale(PIXEL) & Scale(PIXEL)
    on_axis = on_axis | Shift(1.0) & Shift(1.0) if off_detector else on_axis
    to_angle = Scale(1 / CAMERA) & Scale(1 / CAMERA) | Shift(GROOVES * sum(RANGE) / 2) & Shift(0.0)
    in_one_plane = Mapping((0, 1), n_inputs=3)
    fore = in_one_plane | Scale(0.7) & Scale(0.7)
    fore.inverse = in_one_plane | Scale(1 / 0.7) & Scale(1 / 0.7)
    models = [
        datamodels.CameraModel(model=to_angle),
        datamodels.CollimatorModel(model=Scale(COLLIMATOR) & Scale(COLLIMATOR)),
        datamodels.FPAModel(nrs1_model=on_axis, nrs2_model=on_axis),
        datamodels.FOREModel(model=fore),
        datamodels.OTEModel(model=Scale(3600.0) & Scale(3600.0) | Shift(380.0) & Shift(-480.0)),
        datamodels.IFUFOREModel(model=in_one_plane | Scale(0.1) & Scale(0.1)),
        datamodels.ChromCorrModel(model=Identity(3)),
        datamodels.IFUSlicerModel(model=Identity(2), data=_slices()),
        datamodels.IFUPostModel(slice_models={f"slice_{i}": _behind_slicer(i) for i in range(30)}),
        datamodels.MSAModel(models=_corners(), data=dict.fromkeys(_corners(), _shutters()) | {"Q5": _slits()}),
        datamodels.WavelengthrangeModel(
            wrange_selector=["F100LP_G140M"], wrange=[list(RANGE)], order=[-1], wunits=u.m
        ),
        _disperser(),
    ]  # fmt: skip
    described = [_described(model, name="NIRSPEC", detector=detector) for model in models]
    return _references(described, folder) | {"msaoper": _failed_open(folder)}


def msa_metadata(path):
    """The file that tells of a MOS exposure which shutters were opened for it: a slitlet of three, and one of one."""
    names = ["slitlet_id", "msa_metadata_id", "shutter_quadrant", "shutter_row", "shutter_column", "source_id"]
    shutters = np.zeros(4, [(name, "i2") for name in names] + [
        ("background", "S1"), ("shutter_state", "S6"), ("estimated_source_in_shutter_x", "f4"),
        ("estimated_source_in_shutter_y", "f4"), ("dither_point_index", "i2"), ("primary_source", "S1"),
    ])  # fmt: skip
    shutters["slitlet_id"], shutters["source_id"] = [1, 1, 1, 2], [1, 1, 1, 2]
    shutters["msa_metadata_id"], shutters["dither_point_index"], shutters["shutter_state"] = 1, 1, b"OPEN"
    shutters["shutter_quadrant"], shutters["shutter_row"] = [1, 1, 1, 4], [180, 180, 180, 60]
    shutters["shutter_column"] = [20, 21, 22, 90]
    shutters["background"], shutters["primary_source"] = [b"Y", b"N", b"Y", b"N"], [b"N", b"Y", b"N", b"Y"]
    shutters["estimated_source_in_shutter_x"] = shutters["estimated_source_in_shutter_y"] = 0.5
    sources = np.zeros(2, [("source_id", "i2"), ("source_name", "S8"), ("alias", "S8"), ("stellarity", "f4"),
                           ("ra", "f8"), ("dec", "f8")])  # fmt: skip
    sources["source_id"] = [1, 2]
    tables = [fits.BinTableHDU(shutters, name="SHUTTER_INFO"), fits.BinTableHDU(sources, name="SOURCE_INFO")]
    fits.HDUList([fits.PrimaryHDU(), *tables]).writeto(path)


def soss_backgrounds(folder, shape=(256, 2048)):
    """Two templates of the sky with its step in the middle of the detector."""
    rows, columns = np.indices(shape)
    steps = [np.where(columns < 700, 1.0, 2.0 + tilt * rows / shape[0]) for tilt in (0.0, 0.5)]
    model = datamodels.SossBkgModel(data=np.array(steps, np.float32))
    _described(model, name="NIRISS", detector="NIS").save(folder / "bkg.fits")
    return dict.fromkeys(LATER_TYPES) | {"bkg": folder / "bkg.fits"}


def _described(model, **instrument):
    meta = model.meta
    meta.telescope, meta.useafter, meta.author, meta.pedigree = "JWST", "2020-01-01T00:00:00", "test", "DUMMY"
    meta.description = "Idealised optics"
    for name, value in instrument.items():
        setattr(meta.instrument, name, value)
    return model


def _references(models, folder):
    paths = {model.reftype: folder / f"{model.reftype}.asdf" for model in models}
    for model in models:
        model.save(paths[model.reftype])
    return dict.fromkeys(LATER_TYPES) | paths


def _disperser():
    model = datamodels.DisperserModel(groovedensity=GROOVES, theta_x=0.0, theta_y=0.0, theta_z=0.0)
    model.tilt_x = model.tilt_y = 0.0
    model.meta.instrument.grating = "G140M"
    return model


def _corners():
    """Corners of the quadrants, and the middle of the fixed slits."""
    corners = {"Q1": (-38e-3, 6e-3), "Q2": (0.0, 6e-3), "Q3": (-38e-3, -41e-3), "Q4": (0.0, -41e-3), "Q5": (0.0, 0.0)}
    return {name: Shift(x) & Shift(y) for name, (x, y) in corners.items()}


def _shutters():
    row, column = np.indices(SHUTTERS).reshape(2, -1)
    return _apertures(column * PITCH[1], row * PITCH[0], 0.078e-3, 0.178e-3)


def _slits():
    widths, lengths = (0.08e-3, 0.08e-3, 0.16e-3, 0.64e-3, 0.08e-3), (1.3e-3, 1.3e-3, 1.3e-3, 0.64e-3, 1.3e-3)
    return _apertures(0.0, SLIT_HEIGHTS, widths, lengths)


def _slices():
    return _apertures(_across(np.arange(30)), 0.0, 0.8e-3, 12e-3)


def _apertures(x, y, width, height):
    x, y = np.broadcast_arrays(x, y)
    table = np.zeros(x.size, APERTURE)
    table["NO"], table["XC"], table["YC"], table["SIZEX"], table["SIZEY"] = np.arange(x.size), x, y, width, height
    return table


def _across(number):
    """Position of a slice in the plane of the slicer."""
    return (number - 14.5) * 0.8e-3


def _behind_slicer(number):
    """Slices lie one above the other on the detector, 62 rows apart and 30 high."""
    from_middle, height = Shift(-_across(number)) & Shift(0.0), (number - 14.5) * 2.5e-3
    none = Polynomial2D(1)
    return {
        "linear": from_middle | Scale(0.1) & Scale(0.1) | Shift(0.0) & Shift(height),
        "xpoly": Polynomial2D(1, c1_0=1.0),
        "xpoly_distortion": none,
        "ypoly": Polynomial2D(1, c0_1=1.0),
        "ypoly_distortion": none,
    }


def _failed_open(folder):
    path = folder / "msaoper.json"
    state = {"state": "closed", "TA state": "closed", "Internal state": "open"}
    path.write_text(json.dumps({"msaoper": [shutter | state for shutter in FAILED_OPEN]}))
    return path
