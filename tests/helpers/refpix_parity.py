"""Ramps with noise that reference pixels show, for comparisons with jwst."""

import numpy as np

import gpipe.dq as dq
from gpipe.refpix.orientation import Orientation

FULL = (1, 1, 2048, 2048)


def exposure(window, groups=2, integrations=1, seed=1):
    """Ramps with drifts, row noise and cosmic rays; pixeldq with bad reference pixels."""
    rng = np.random.default_rng(seed)
    xstart, ystart, xsize, ysize = window
    shape = (integrations, groups, ysize, xsize)
    data = (
        rng.normal(40.0, 12.0, shape) + rng.normal(0.0, 8.0, (*shape[:3], 1)) + rng.normal(0, 8, (*shape[:2], 1, xsize))
    )
    data = np.where(rng.random(shape) < 0.01, data + 2000.0, data).astype(np.float32)
    detector = np.full((2048, 2048), dq.REFERENCE_PIXEL, np.uint32)
    detector[4:-4, 4:-4] = 0
    bad = rng.random(detector.shape) < 0.03
    bad[300:340, :4] = True  # no usable pixel in a whole window of the running median
    bad[1000:1030] = bad[:, 700:720] = True
    detector[bad] |= dq.DO_NOT_USE
    return data, np.ascontiguousarray(detector[ystart - 1 : ystart - 1 + ysize, xstart - 1 : xstart - 1 + xsize])


def orientation(axes, window):
    xstart, ystart, xsize, ysize = window
    return Orientation.of_window(*axes, xstart=xstart, ystart=ystart, xsize=xsize, ysize=ysize)


def assert_same(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=2e-3)
