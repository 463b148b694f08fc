"""Small count rates as ``stdatamodels`` models."""

import numpy as np

PLANES = ("data", "err", "var_poisson", "var_rnoise", "dq")


def rate_model(shape, *, corner=(1, 1), seed=0, name="jw01_rate.fits", level=10.0, exp_type="NRC_IMAGE", **instrument):
    """Rates about a level, with outliers, NaN and flags; ``corner`` is (xstart, ystart)."""
    from stdatamodels.jwst import datamodels

    rng = np.random.default_rng(seed)
    data = rng.normal(level, 1, shape).astype(np.float32)
    data[rng.random(shape) < 0.03] *= 9
    data[rng.random(shape) < 0.03] = np.nan
    err = rng.uniform(0.5, 1, shape).astype(np.float32)
    flags = rng.choice(np.array([0] * 20 + [1, 4, 2**18], dtype=np.uint32), shape)
    model = (datamodels.ImageModel if len(shape) == 2 else datamodels.CubeModel)()
    for plane, values in zip(PLANES, (data, err, 0.4 * err**2, 0.6 * err**2, flags), strict=True):
        setattr(model, plane, values)
    _describe(model.meta, shape, corner, name, exp_type)
    model.meta.instrument.instance.update(instrument)
    return model


def flat_model(shape, level, **described):
    """Rates that are all the same, without flags."""
    model = rate_model(shape, **described)
    model.data[...], model.dq[...] = level, 0
    return model


def _describe(meta, shape, corner, name, exp_type):
    meta.telescope, meta.filename = "JWST", name
    meta.instrument.instance.update(
        name="NIRCAM", detector="NRCALONG", channel="LONG", module="A", filter="F444W", pupil="CLEAR"
    )
    meta.exposure.instance.update(
        type=exp_type,
        readpatt="RAPID",
        nframes=1,
        groupgap=0,
        ngroups=5,
        nints=shape[0] if len(shape) == 3 else 1,
        frame_time=1.0,
        group_time=1.0,
    )
    window = {"xstart": corner[0], "ystart": corner[1], "xsize": shape[-1], "ysize": shape[-2]}
    meta.subarray.instance.update(name="SUB160", **window, fastaxis=-1, slowaxis=2)
    meta.observation.instance.update(date="2026-07-01", time="00:00:00.000")
