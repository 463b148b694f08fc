"""Calibrated images with a WCS, small, as the second stage makes them."""

import numpy as np
from stdatamodels.jwst import datamodels

from helpers.wcs import NIRCAM, imaging_wcs

SHAPE = (48, 56)


def cal_model(number=0, optics=NIRCAM, *, shape=SHAPE, ra=53.1, dec=-27.8, roll=40.0, **wcs_options):
    """A cal product of a window in the middle of the detector: pixels, errors and flags differ by number."""
    rng = np.random.default_rng(number)
    model = datamodels.ImageModel(shape)
    model.data = rng.normal(10, 2, shape).astype(np.float32)
    model.var_poisson = rng.uniform(0.1, 0.2, shape).astype(np.float32)
    model.var_rnoise = rng.uniform(0.3, 0.6, shape).astype(np.float32)
    model.var_flat = rng.uniform(0.01, 0.02, shape).astype(np.float32)
    model.err = np.sqrt(model.var_poisson + model.var_rnoise + model.var_flat)
    dq = np.zeros(shape, np.uint32)
    dq[rng.random(shape) < 0.02] = 1
    dq[rng.random(shape) < 0.1] = 4
    model.dq = dq
    model.data[rng.random(shape) < 0.01] = np.nan
    corner = tuple((whole - size) // 2 for whole, size in zip(optics.shape[::-1], shape[::-1], strict=True))
    wcs, info = imaging_wcs(optics, ra, dec, roll, shape=shape, corner=corner, **wcs_options)
    meta = model.meta
    meta.wcs, meta.filename, meta.telescope = wcs, f"jw00001001001_0210{number + 1}_00001_nrca1_cal.fits", "JWST"
    meta.wcsinfo.instance.update(info)
    meta.instrument.instance.update(name="NIRCAM", detector="NRCA1", channel="SHORT", module="A", filter="F200W")
    meta.instrument.instance.update(pupil="CLEAR")
    meta.exposure.instance.update(type="NRC_IMAGE", exposure_time=100.0 + number, measurement_time=90.0 + number)
    meta.exposure.instance.update(duration=110.0, start_time=60000.0 + number, end_time=60000.1 + number)
    meta.observation.instance.update(program_number="00001", observation_number="001", visit_number="001")
    meta.observation.instance.update(visit_group="02", sequence_id="1", activity_id=f"0{number + 1}")
    meta.observation.instance.update(exposure_number="00001", date="2026-07-01", time="00:00:00.000")
    meta.subarray.instance.update(
        name="SUB64P", xstart=corner[0] + 1, ystart=corner[1] + 1, xsize=shape[1], ysize=shape[0]
    )
    meta.subarray.instance.update(fastaxis=-1, slowaxis=2)
    meta.photometry.instance.update(pixelarea_steradians=(optics.scale / 206264.806) ** 2)
    meta.bunit_data = meta.bunit_err = "MJy/sr"
    meta.cal_step.instance.update(assign_wcs="COMPLETE", flat_field="COMPLETE", photom="COMPLETE")
    return model
