"""Small JWST files, made by stdatamodels itself."""

import numpy as np
import pytest
from stdatamodels.jwst import datamodels

import gpipe.backends


def describe(model, shape, *, subarray=(1, 1)):
    """Metadata that a NIRCam exposure of this (integration, group, row, column) shape has."""
    ints, groups, rows, columns = shape
    meta = model.meta
    meta.telescope = "JWST"
    meta.instrument.instance.update(
        name="NIRCAM", detector="NRCALONG", channel="LONG", module="A", filter="F444W", pupil="CLEAR"
    )
    meta.exposure.instance.update(
        type="NRC_IMAGE",
        readpatt="MEDIUM8",
        nframes=8,
        groupgap=2,
        frame_divisor=8,
        ngroups=groups,
        nints=ints,
        integration_start=1,
        integration_end=ints,
        frame_time=10.7,
        group_time=107.0,
        zero_frame=True,
    )
    meta.subarray.instance.update(
        name="SUB160", xstart=subarray[0], ystart=subarray[1], xsize=columns, ysize=rows, fastaxis=-1, slowaxis=2
    )
    meta.observation.instance.update(date="2026-07-01", time="00:00:00.000")
    meta.wcsinfo.instance.update(ra_ref=1.5, dec_ref=-2.5, s_region="POLYGON ICRS 1 2 3 4", v3yangle=0.25)
    meta.photometry.conversion_megajanskys = 3.5


def make_uncal(shape=(2, 5, 16, 12), *, seed=1, subarray=(101, 201)):
    """A Level1bModel with pixels over the whole range of uint16, group and int_times tables and ZEROFRAME."""
    rng = np.random.default_rng(seed)
    ints, groups, rows, columns = shape
    model = datamodels.Level1bModel()
    describe(model, shape, subarray=subarray)
    model.data = rng.integers(0, 65536, shape, dtype=np.uint16)
    model.data.reshape(-1)[:2] = 0, 65535
    model.zeroframe = rng.integers(0, 65536, (ints, rows, columns), dtype=np.uint16)
    group = np.zeros(ints * groups, dtype=model.get_default("group").dtype)
    group["group_number"] = np.arange(ints * groups)
    model.group = group
    times = np.zeros(ints, dtype=model.get_default("int_times").dtype)
    times["integration_number"] = np.arange(1, ints + 1)
    times["int_mid_MJD_UTC"] = 60000.125
    model.int_times = times
    model.meta.filename = "jw00001_uncal.fits"
    return model


@pytest.fixture
def uncal():
    return make_uncal()


@pytest.fixture
def uncal_path(uncal, tmp_path):
    path = tmp_path / "jw00001_uncal.fits"
    uncal.save(str(path))
    return path


@pytest.fixture
def backend():
    return gpipe.backends.get("numpy")
