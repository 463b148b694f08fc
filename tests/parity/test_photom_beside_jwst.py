"""photom against jwst's: factors, values, flags, areas and keywords, for each instrument and law of time."""

import numpy as np
import pytest
from helpers import imaging_files as files
from helpers.early_steps import apply

pytestmark = pytest.mark.parity

VALUES = ("data", "err", "var_poisson", "var_rnoise", "var_flat")
LAWS = [(), ("linear",), ("exponential",), ("powerlaw",), ("linear", "exponential", "powerlaw")]
FRAME = {"NIRCAM": (2048, 2048), "NIRISS": (2048, 2048), "MIRI": (1024, 1032), "FGS": (2048, 2048)}


def calibrated(instrument, shape=(10, 12), **meta):
    model = files.rate(instrument, shape, corner=(104, 206), **meta)
    model.var_flat = np.abs(model.err)
    return model


def area(instrument):
    return files.area(instrument, FRAME[instrument], corner=(1, 1))


def both(model, photom, area=None, **parameters):
    jwst = pytest.importorskip("jwst.photom.photom")
    from gpipe.photom import PhotomStep

    ours = apply(PhotomStep(**parameters), model, photom=photom, area=area)
    time = parameters.pop("apply_time_correction", True)
    theirs = jwst.DataSet(model.copy(), apply_time_correction=time, **parameters).apply_photom(
        photom.copy(), "N/A" if area is None else area
    )
    return ours, theirs


def assert_same(ours, theirs):
    for name in VALUES:
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=3e-7, err_msg=name)
    np.testing.assert_array_equal(ours.dq, theirs.dq)
    assert ours.meta.photometry.instance == theirs.meta.photometry.instance
    assert (ours.meta.bunit_data, ours.meta.bunit_err) == (theirs.meta.bunit_data, theirs.meta.bunit_err)


@pytest.mark.parametrize("instrument", files.INSTRUMENTS)
@pytest.mark.parametrize("laws", LAWS, ids=str)
@pytest.mark.parametrize("inverse", [False, True])
def test_images(instrument, laws, inverse):
    assert_same(*both(calibrated(instrument), files.photom(instrument, laws=laws), inverse=inverse))


@pytest.mark.parametrize("instrument", files.INSTRUMENTS)
def test_areas(instrument):
    ours, theirs = both(calibrated(instrument), files.photom(instrument), area(instrument))
    assert_same(ours, theirs)
    np.testing.assert_array_equal(ours.area, theirs.area, strict=True)


@pytest.mark.parametrize("instrument", ["NIRCAM", "MIRI", "FGS"])
def test_cubes(instrument):
    photom = files.photom(instrument, laws=LAWS[-1])
    assert_same(*both(calibrated(instrument, (3, 10, 12)), photom, apply_time_correction=False))


def test_generic_subarrays_of_miri():
    assert_same(*both(calibrated("MIRI"), files.photom("MIRI", subarray="GENERIC")))


def test_rates_without_flat():
    model = files.rate("NIRCAM")
    ours, theirs = both(model, files.photom("NIRCAM"))
    np.testing.assert_allclose(ours.data, theirs.data, rtol=3e-7)
    assert ours.var_flat is None


@pytest.mark.parametrize("instrument", ["NIRCAM", "NIRISS", "MIRI"])
def test_no_row_leaves_values_alone(instrument):
    """But for S_PHOTOM, which is COMPLETE in jwst."""
    photom = files.photom(instrument, filter="F999W", subarray="NONE")
    ours, theirs = both(calibrated(instrument), photom, area(instrument))
    assert_same(ours, theirs)
    np.testing.assert_array_equal(ours.area, theirs.area)


def test_cubes_of_niriss_get_areas_only():
    jwst = pytest.importorskip("jwst.photom.photom")
    from gpipe.photom import PhotomStep

    model, references = calibrated("NIRISS", (3, 10, 12)), (files.photom("NIRISS"), area("NIRISS"))
    theirs = jwst.DataSet(model.copy())
    with pytest.raises(jwst.DataModelTypeError):
        theirs.apply_photom(*references)
    ours = apply(PhotomStep(), model, photom=references[0], area=references[1])
    assert_same(ours, theirs.input)
    np.testing.assert_array_equal(ours.area, theirs.input.area)
