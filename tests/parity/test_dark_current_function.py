"""Dark subtraction against jwst 3.0.0, live: jwst's own step code on the same models.

Compared: ramps and pixel flags after subtraction, the averaged dark, the dark current per pixel. Values to 1e-6; the
float64 of jwst's extrapolation shows in the last digit of float32. MIRI's darks differ from integration to integration;
where jwst takes another one, or zeros, for a segment of an exposure, gpipe's result is compared with the dark itself.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from helpers.fault_pixels import unknown_reference
from stdatamodels.jwst.datamodels import DarkMIRIModel, DarkModel, RampModel

import gpipe.backends
from gpipe.controller import Produced, References
from gpipe.dark_current import DarkCurrentStep
from gpipe.datamodels import Ramp, Reference

pytestmark = pytest.mark.parity

SHAPE = (2, 4, 12, 16)


def science(nframes, groupgap, instrument="NIRCAM", **segment):
    rng = np.random.default_rng(1)
    model = RampModel(
        data=rng.normal(500, 50, SHAPE).astype(np.float32),
        pixeldq=rng.integers(0, 1 << 20, SHAPE[2:]).astype(np.uint32),
        groupdq=np.zeros(SHAPE, np.uint8),
    )
    model.meta.instrument.name = instrument
    exposure, subarray = model.meta.exposure, model.meta.subarray
    exposure.nframes, exposure.groupgap, exposure.ngroups = nframes, groupgap, SHAPE[1]
    exposure.integration_start = segment.get("start")
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


def assert_same_flags(result, expected, reference):
    known = ~unknown_reference(reference.data)
    assert known.any()
    np.testing.assert_array_equal(result.pixeldq[known], expected.pixeldq[known])


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
    assert_same_flags(result, expected, reference)


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


def miri_dark(nints, ngroups, nframes=1, groupgap=0, **arrays):
    rng = np.random.default_rng(4)
    data = np.cumsum(rng.exponential(0.5, (nints, ngroups, *SHAPE[2:])), axis=1).astype(np.float32)
    data[rng.random(data.shape) < 0.02] = np.nan
    flags = rng.integers(0, 1 << 31, (nints, 1, *SHAPE[2:]), dtype=np.uint32) & rng.integers(0, 1 << 31, SHAPE[2:])
    model = DarkMIRIModel(data=data, dq=flags.astype(np.uint32), **arrays)
    exposure, subarray = model.meta.exposure, model.meta.subarray
    exposure.nframes, exposure.groupgap, exposure.ngroups = nframes, groupgap, ngroups
    subarray.xstart, subarray.ystart, subarray.ysize, subarray.xsize = 1, 1, *SHAPE[2:]
    return model


MIRI = {
    "one-integration": ((1, 0), (1, 6)),
    "two": ((1, 0), (2, 6)),
    "more-than-the-exposure": ((1, 0), (3, 6)),
    "extrapolated": ((1, 0), (2, 3)),
    "same-averaged": ((4, 0), (2, 6, 4, 0)),
    "averaged": ((4, 0), (2, 16)),
    "averaged-one-integration": ((4, 0), (1, 20)),
    "averaged-extrapolated": ((4, 0), (2, 10)),
    "averaged-more-than-the-exposure": ((4, 0), (3, 16)),
}


@pytest.mark.parametrize(("exposure", "reference"), MIRI.values(), ids=MIRI)
def test_miri(exposure, reference):
    model, reference = science(*exposure, "MIRI"), miri_dark(*reference)
    expected, result = theirs(model, reference), ours(model, reference)
    np.testing.assert_allclose(result.data, expected.data, rtol=1e-6)
    assert_same_flags(result, expected, reference)


@pytest.mark.parametrize(("nints", "start"), [(1, 5), (2, 2), (2, 30), (3, 3), (3, 1)])
def test_segments_of_miri(nints, start):
    model, reference = science(1, 0, "MIRI", start=start), miri_dark(nints, 6)
    np.testing.assert_allclose(ours(model, reference).data, theirs(model, reference).data, rtol=1e-6)


def difference(model, reference, integration):
    return model.data[0] - ours(model, reference).data[0] - np.nan_to_num(reference.data[integration, : SHAPE[1]])


def test_segments_of_miri_have_their_own_dark_where_jwst_takes_the_last():
    model, reference = science(1, 0, "MIRI", start=2), miri_dark(3, 6)
    assert not np.allclose(ours(model, reference).data[0], theirs(model, reference).data[0], atol=1e-3)
    np.testing.assert_allclose(difference(model, reference, 1), 0, atol=1e-4)


def test_short_segments_of_miri_have_a_dark_where_jwst_takes_zeros():
    """jwst averages as many integrations as the segment has, and then takes the last of the reference."""
    model, reference = science(4, 0, "MIRI", start=9), miri_dark(3, 16)
    np.testing.assert_array_equal(theirs(model, reference).data, model.data)
    means = np.nan_to_num(reference.data[2]).reshape(4, 4, *SHAPE[2:]).mean(axis=1)
    np.testing.assert_allclose(model.data[0] - ours(model, reference).data[0], means, atol=1e-4)


@pytest.mark.parametrize(("exposure", "reference"), MIRI.values(), ids=MIRI)
def test_dark_output_of_miri(exposure, reference):
    """All integrations are written; jwst writes averages of 0 for those that the exposure does not have."""
    model, reference = science(*exposure, "MIRI"), miri_dark(*reference)
    expected = theirs(model, reference, dark_output="dark.fits").averaged
    (product,) = ours(model, reference, dark_output="dark.fits").side_products
    assert isinstance(product.model, DarkMIRIModel)
    assert product.model.data.shape == expected.data.shape
    averaged = len(reference.data) if exposure[0] == reference.meta.exposure.nframes else SHAPE[0]
    np.testing.assert_allclose(product.model.data[:averaged], expected.data[:averaged], rtol=1e-5, atol=1e-5)
    assert (product.model.data.mean(axis=(1, 2, 3)) > 0.5).all()
    np.testing.assert_array_equal(product.model.dq, expected.groupdq)
    found = product.model.meta.exposure
    assert (found.nframes, found.groupgap, found.ngroups) == (
        expected.exp_nframes,
        expected.exp_groupgap,
        expected.exp_ngroups,
    )


@pytest.mark.parametrize(("parameter", "plane", "keyword"), CURRENTS.values(), ids=CURRENTS)
def test_dark_current_of_miri(parameter, plane, keyword):
    reference = miri_dark(2, 6, **({} if plane is None else {"average_dark_current": plane}))
    reference.meta.exposure.average_dark_current = keyword
    model = science(1, 0, "MIRI")
    expected = theirs(model, reference, parameter).model
    result = ours(model, reference, average_dark_current=parameter)
    np.testing.assert_array_equal(result.average_dark_current, expected.average_dark_current)
