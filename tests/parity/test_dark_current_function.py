"""Dark subtraction against jwst 3.0.0, live: jwst's own step code on the same models.

Compared: ramps and pixel flags after subtraction, the averaged dark, the dark current per pixel. Values to 1e-6; the
float64 of jwst's extrapolation shows in the last digit of float32.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from stdatamodels.jwst.datamodels import DarkModel, RampModel

import gpipe.backends
from gpipe.controller import Produced, References
from gpipe.dark_current import DarkCurrentStep
from gpipe.datamodels import Ramp, Reference

pytestmark = pytest.mark.parity

SHAPE = (2, 4, 12, 16)


def science(nframes, groupgap):
    rng = np.random.default_rng(1)
    model = RampModel(
        data=rng.normal(500, 50, SHAPE).astype(np.float32),
        pixeldq=rng.integers(0, 1 << 20, SHAPE[2:]).astype(np.uint32),
        groupdq=np.zeros(SHAPE, np.uint8),
    )
    model.meta.instrument.name = "NIRCAM"
    exposure, subarray = model.meta.exposure, model.meta.subarray
    exposure.nframes, exposure.groupgap, exposure.ngroups = nframes, groupgap, SHAPE[1]
    subarray.xstart, subarray.ystart, subarray.ysize, subarray.xsize = 1, 1, *SHAPE[2:]
    return model


def dark(ngroups, nframes=1, groupgap=0, **arrays):
    rng = np.random.default_rng(2)
    data = np.cumsum(rng.exponential(0.5, (ngroups, *SHAPE[2:])), axis=0).astype(np.float32)
    data[rng.random(data.shape) < 0.02] = np.nan
    model = DarkModel(data=data, dq=rng.integers(0, 1 << 25, SHAPE[2:]).astype(np.uint32), **arrays)
    exposure, subarray = model.meta.exposure, model.meta.subarray
    exposure.nframes, exposure.groupgap, exposure.ngroups = nframes, groupgap, ngroups
    subarray.xstart, subarray.ystart, subarray.ysize, subarray.xsize = 1, 1, *SHAPE[2:]
    return model


def ours(model, reference, **parameters):
    exposure = Ramp(
        header=model,
        backend=gpipe.backends.get("numpy"),
        data=model.data.copy(),
        groupdq=model.groupdq.copy(),
        pixeldq=model.pixeldq.copy(),
    )
    references = References({"dark": Reference("dark", reference.copy())})
    return DarkCurrentStep(**parameters).apply(exposure, references)


def theirs(model, reference, average_dark_current=None, dark_output=None):
    pytest.importorskip("jwst")
    from jwst.dark_current import dark_current_step
    from stcal.dark_current import dark_sub

    model, reference = model.copy(), reference.copy()
    step = SimpleNamespace(average_dark_current=average_dark_current)
    dark_current_step.DarkCurrentStep.set_average_dark_current(step, model, reference)
    subtracted, averaged = dark_sub.do_correction(model, reference, dark_output)
    return SimpleNamespace(data=subtracted.data, pixeldq=subtracted.pixeldq, averaged=averaged, model=model)


SAMPLINGS = {
    "same-single-frames": ((1, 0), (6, 1, 0)),
    "same-averaged": ((4, 1), (9, 4, 1)),
    "averaged": ((4, 1), (30, 1, 0)),
    "averaged-with-a-long-gap": ((8, 12), (90, 1, 0)),
    "single-frames-with-gaps": ((1, 3), (13, 1, 0)),
    "same-extrapolated": ((1, 0), (3, 1, 0)),
    "averaged-extrapolated-inside-a-group": ((4, 1), (17, 1, 0)),
    "averaged-extrapolated-by-groups": ((4, 1), (2, 1, 0)),
}


@pytest.mark.parametrize(("exposure", "reference"), SAMPLINGS.values(), ids=SAMPLINGS)
def test_subtraction(exposure, reference):
    model, reference = science(*exposure), dark(*reference)
    expected, result = theirs(model, reference), ours(model, reference)
    np.testing.assert_allclose(result.data, expected.data, rtol=1e-6)
    np.testing.assert_array_equal(result.pixeldq, expected.pixeldq)


@pytest.mark.parametrize(("exposure", "reference"), SAMPLINGS.values(), ids=SAMPLINGS)
def test_dark_output(exposure, reference):
    model, reference = science(*exposure), dark(*reference)
    expected = theirs(model, reference, dark_output="dark.fits").averaged
    result = ours(model, reference, dark_output="dark.fits")
    assert isinstance(result, Produced)
    (product,) = result.side_products
    assert product.output_file == "dark.fits"
    np.testing.assert_allclose(product.model.data, expected.data, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(product.model.dq, expected.groupdq)
    found = product.model.meta.exposure
    assert (found.nframes, found.groupgap, found.ngroups) == (
        expected.exp_nframes,
        expected.exp_groupgap,
        expected.exp_ngroups,
    )


PLANE = np.random.default_rng(3).random(SHAPE[2:]).astype(np.float32)
CURRENTS = {
    "parameter": (0.3, PLANE, 0.1),
    "array-of-zeros": (None, np.zeros_like(PLANE), 0.1),
    "keyword": (None, None, 0.1),
    "none": (None, None, None),
}


@pytest.mark.parametrize(("parameter", "plane", "keyword"), CURRENTS.values(), ids=CURRENTS)
def test_dark_current_for_poisson_noise(parameter, plane, keyword):
    reference = dark(6, **({} if plane is None else {"average_dark_current": plane}))
    reference.meta.exposure.average_dark_current = keyword
    model = science(1, 0)
    expected = theirs(model, reference, parameter).model
    result = ours(model, reference, average_dark_current=parameter)
    assert result.average_dark_current.dtype == np.float32
    np.testing.assert_array_equal(result.average_dark_current, expected.average_dark_current)


def test_dark_current_of_each_pixel_is_used_where_jwst_loses_it():
    """jwst compares its shape with that of an array which a ramp does not have yet, and gives up."""
    reference, model = dark(6, average_dark_current=PLANE), science(1, 0)
    assert theirs(model, reference).model.average_dark_current is None
    np.testing.assert_array_equal(ours(model, reference).average_dark_current, PLANE)
