"""Small count rates of images, and flats, photom and area references for them, as ``stdatamodels`` models."""

import numpy as np
from stdatamodels.jwst import datamodels

from gpipe import dq

ROWS, COLUMNS = 24, 20
"""Size of flats and areas; they cover the detector from column 101 and row 201 on."""
CORNER = (101, 201)
TIME = 60100.25
INSTRUMENTS = {
    "NIRCAM": {"type": "NRC_IMAGE", "detector": "NRCA1", "filter": "F150W", "pupil": "CLEAR", "subarray": "SUB640"},
    "NIRISS": {"type": "NIS_IMAGE", "detector": "NIS", "filter": "CLEAR", "pupil": "F150W", "subarray": "SUB64"},
    "MIRI": {"type": "MIR_IMAGE", "detector": "MIRIMAGE", "filter": "F770W", "pupil": None, "subarray": "SUB256"},
    "FGS": {"type": "FGS_IMAGE", "detector": "GUIDER1", "filter": None, "pupil": None, "subarray": "SUB128LL"},
}
_PHOTOM = {
    "NIRCAM": ("NrcImgPhotomModel", ("filter", "pupil")),
    "NIRISS": ("NisImgPhotomModel", ("filter", "pupil")),
    "MIRI": ("MirImgPhotomModel", ("filter", "subarray")),
    "FGS": ("FgsImgPhotomModel", ()),
}
LAWS = {
    "linear": {"t0": (59000, 60000), "lossperyear": (0.001, 0.05)},
    "exponential": {"t0": (59000, 60000), "amplitude": (0.1, 0.6), "tau": (100, 300), "const": (0.4, 1)},
    "powerlaw": {"t0": (59000, 60000), "year1value": (0.6, 1), "tsoft": (1, 20), "alpha": (-0.3, -0.05)},
}


def _place(model, instrument, corner, shape):
    model.meta.telescope = "JWST"
    model.meta.instrument.name = instrument
    subarray = model.meta.subarray
    subarray.xstart, subarray.ystart = corner
    subarray.ysize, subarray.xsize = shape[-2:]
    return model


def rate(instrument="NIRCAM", shape=(ROWS, COLUMNS), *, corner=CORNER, seed=1, **meta):
    """Rates with bad pixels of every kind; ``meta`` replaces what `INSTRUMENTS` says."""
    rng = np.random.default_rng(seed)
    model = (datamodels.CubeModel if len(shape) == 3 else datamodels.ImageModel)()
    _place(model, instrument, corner, shape)
    told = INSTRUMENTS[instrument] | meta
    for name in ("detector", "filter", "pupil"):
        setattr(model.meta.instrument, name, told[name])
    model.meta.subarray.name = told["subarray"]
    model.meta.subarray.fastaxis, model.meta.subarray.slowaxis = 1, 2
    exposure = {"type": told["type"], "nints": shape[0] if len(shape) == 3 else 1, "ngroups": 5, "mid_time": TIME}
    for name, value in exposure.items():
        setattr(model.meta.exposure, name, told.get(name, value))
    model.meta.bunit_data = model.meta.bunit_err = "DN/s"
    model.meta.filename = "small_rate.fits"
    for name in ("data", "err", "var_poisson", "var_rnoise"):
        values = rng.uniform(0.1, 9, shape).astype(np.float32)
        values[rng.random(shape) < 0.02] = np.nan
        setattr(model, name, values)
    model.dq = np.where(rng.random(shape) < 0.1, rng.integers(0, 2**32, shape), 0).astype(np.uint32)
    return model


def flat(instrument="NIRCAM", shape=(ROWS, COLUMNS), *, corner=CORNER, seed=2):
    """A flat in which pixels are NaN, 0, or flagged; its error is NaN in some."""
    rng = np.random.default_rng(seed)
    values = rng.normal(1, 0.05, shape).astype(np.float32)
    values[rng.random(shape) < 0.03] = np.nan
    values[rng.random(shape) < 0.03] = 0
    err = np.abs(rng.normal(0, 0.02, shape)).astype(np.float32)
    err[rng.random(shape) < 0.02] = np.nan
    known = [0, dq.DO_NOT_USE, dq.NO_FLAT_FIELD, dq.UNRELIABLE_FLAT, dq.UNRELIABLE_FLAT | dq.DO_NOT_USE]
    flags = rng.choice(np.asarray(known, np.uint32), shape, p=[0.8, 0.05, 0.05, 0.05, 0.05])
    model = _place(datamodels.FlatModel(data=values, err=err, dq=flags), instrument, corner, shape)
    return _described(model, "FLAT")


def photom(instrument="NIRCAM", *, laws=(), rows=4, seed=3, areas=(2.1e-14, 9e-4), **elements):
    """Factors of ``rows`` sets of optical elements; the second is that of `INSTRUMENTS`, or ``elements``."""
    rng = np.random.default_rng(seed)
    name, columns = _PHOTOM[instrument]
    rows = rows if columns else 1
    told = INSTRUMENTS[instrument] | elements
    texts = {column: [f"{column[0]}{row}" for row in range(rows)] for column in columns}
    for column in columns:
        texts[column][min(1, rows - 1)] = str(told[column]).lower()
    model = getattr(datamodels, name)(
        phot_table=_table(texts, {"photmjsr": (0.2, 3), "uncertainty": (0, 1)}, rows, rng)
    )
    for law in laws:
        known = {column["name"] for column in model.schema["properties"][f"timecoeff_{law}"]["datatype"]}
        named = {column: texts[column] for column in texts if column in known}
        setattr(model, f"timecoeff_{law}", _table(named, LAWS[law], rows, rng))
    model.meta.telescope, model.meta.instrument.name = "JWST", instrument
    model.meta.photometry.pixelarea_steradians, model.meta.photometry.pixelarea_arcsecsq = areas
    return _described(model, "PHOTOM")


def area(instrument="NIRCAM", shape=(ROWS, COLUMNS), *, corner=CORNER, areas=(2.2e-14, 9.4e-4), seed=4):
    """Areas of pixels relative to the nominal one."""
    values = np.random.default_rng(seed).normal(1, 0.01, shape).astype(np.float32)
    model = datamodels.PixelAreaModel(data=values)
    model.meta.instance.setdefault("subarray", {})
    _place(model, instrument, corner, shape)
    model.meta.photometry.pixelarea_steradians, model.meta.photometry.pixelarea_arcsecsq = areas
    return _described(model, "AREA")


def _table(texts, numbers, rows, rng):
    kinds = [(name, "S15" if name == "subarray" else "S12") for name in texts] + [(name, "<f4") for name in numbers]
    columns = [*texts.values(), *(rng.uniform(*ends, rows) for ends in numbers.values())]
    return np.array(list(zip(*columns, strict=True)), dtype=kinds)


def _described(model, reftype):
    model.meta.reftype, model.meta.description, model.meta.author = reftype, "for a test", "a test"
    model.meta.pedigree, model.meta.useafter = "GROUND", "2020-01-01T00:00:00"
    return model
