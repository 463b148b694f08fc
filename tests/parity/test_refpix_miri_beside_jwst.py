"""MIRI's reference-pixel correction against jwst 3.0.0, live.

Compared: the ramps after the step, full frames and subarrays, with and without usable reference pixels, at the
tolerance of SCI. jwst subtracts the first group, corrects what is left, and adds it again in float32.
"""

import numpy as np
import pytest
from helpers.comparison import compare_science
from helpers.early_steps import apply, ramp_model

import gpipe.dq as dq
from gpipe.controller import Skip
from gpipe.refpix import RefPixStep

pytestmark = pytest.mark.parity

FULL = (1024, 1032)
READ_NOISE = 6.0


def exposure(seed, shape):
    """Ramps of MIRI: amplifiers, and odd and even rows, drift apart; cosmic rays; bad reference pixels."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(120.0, READ_NOISE, shape) + rng.normal(0, 30, (*shape[:3], 1)).clip(-3, 3)
    drifts = rng.normal(0, 20, (*shape[:2], 2, 4))
    steps += np.tile(drifts, (shape[2] // 2, shape[3] // 4))
    steps[rng.random(shape) < 0.005] += 2000.0
    pixeldq = np.zeros(shape[2:], np.uint32)
    pixeldq[:, :4] = pixeldq[:, -4:] = dq.REFERENCE_PIXEL
    pixeldq[rng.random(pixeldq.shape) < 0.03] |= dq.DO_NOT_USE
    return (9000 + np.cumsum(steps, axis=1)).astype(np.float32), pixeldq


def miri(data, pixeldq, name="FULL"):
    model = ramp_model(data, pixeldq=pixeldq, corner=(1, 1), type="MIR_IMAGE", readpatt="FASTR1", noutputs=4)
    model.meta.instrument.name, model.meta.instrument.detector = "MIRI", "MIRIMAGE"
    model.meta.subarray.name = name
    return model


def jwst_step(model, **parameters):
    step = pytest.importorskip("jwst.refpix").RefPixStep(**parameters)
    return step.process(model.copy())


@pytest.mark.parametrize("parameters", [{}, {"odd_even_rows": False}, {"siglimit": 2.0}], ids=str)
@pytest.mark.parametrize("seed", [1, 2])
def test_full_frames(seed, parameters, agree):
    model = miri(*exposure(seed, (2, 3, *FULL)))
    theirs = jwst_step(model, **parameters)
    ours = apply(RefPixStep(**parameters), model, refpix=None, sirskernel=None)
    agree([compare_science("refpix SCI", ours.data, theirs.data, READ_NOISE)])
    assert not np.array_equal(ours.data, model.data)


@pytest.mark.parametrize("flagged", [np.s_[1::2, 2], np.s_[:, 1030]], ids=["odd rows", "column"])
def test_an_amplifier_without_usable_pixels_at_one_side(flagged, agree):
    data, pixeldq = exposure(3, (1, 3, *FULL))
    pixeldq[flagged] |= dq.DO_NOT_USE
    model = miri(data, pixeldq)
    theirs = jwst_step(model)
    ours = apply(RefPixStep(), model, refpix=None, sirskernel=None)
    agree([compare_science("refpix SCI", ours.data, theirs.data, READ_NOISE)])
    np.testing.assert_array_equal(ours.data, model.data)


def test_subarrays_are_skipped():
    model = miri(*exposure(4, (1, 3, 64, 72)), name="SUB64")
    theirs = jwst_step(model)
    assert theirs.meta.cal_step.refpix == "SKIPPED"
    with pytest.raises(Skip):
        apply(RefPixStep(), model, refpix=None, sirskernel=None)
