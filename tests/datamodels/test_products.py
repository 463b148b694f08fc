"""Products against what jwst's own steps make of the same exposure."""

import numpy as np
import pytest
from astropy.io import fits
from stdatamodels.jwst import datamodels

from gpipe.datamodels import Rate, open_exposure, to_model, write
from gpipe.datamodels.files.products import bare_model


def rate_of(ramp, shape):
    rng = np.random.default_rng(6)
    names = ("data", "err", "var_poisson", "var_rnoise")
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name in names}
    return Rate(ramp.header, ramp.backend, dq=rng.integers(0, 2**32, shape, dtype=np.uint32), **arrays)


@pytest.mark.parametrize(
    ("exposure_type", "lamp_mode", "kind"),
    [
        ("NRC_IMAGE", None, datamodels.ImageModel),
        ("NRS_IFU", None, datamodels.IFUImageModel),
        ("MIR_MRS", None, datamodels.IFUImageModel),
        ("NRS_LAMP", "IFU", datamodels.IFUImageModel),
        ("NRS_AUTOWAVE", "IFU", datamodels.IFUImageModel),
        ("NRS_LAMP", "FIXEDSLIT", datamodels.ImageModel),
    ],
)
def test_the_class_of_a_rate_follows_the_exposure(exposure_type, lamp_mode, kind, uncal_path, backend):
    ramp = open_exposure(uncal_path, backend)
    ramp.meta.exposure.type, ramp.meta.instrument.lamp_mode = exposure_type, lamp_mode
    assert type(to_model(rate_of(ramp, (16, 12)))) is kind
    assert type(to_model(rate_of(ramp, (2, 16, 12)))) is datamodels.CubeModel


@pytest.mark.parametrize("axes", [2, 3, 4])
def test_a_bare_model_is_what_jwst_makes_of_side_products(uncal_path, backend, axes):
    ramp = open_exposure(uncal_path, backend)
    values = ramp.data[(0,) * (4 - axes)] > 100
    ours = bare_model(values, ramp)
    with datamodels.RampModel(str(uncal_path)) as source:
        theirs = getattr(datamodels, {2: "ImageModel", 3: "CubeModel", 4: "RampModel"}[axes])(data=ours.data)
        theirs.update(source)
    assert type(ours) is type(theirs)
    np.testing.assert_array_equal(ours.data, values)
    ours, theirs = (model.to_flat_dict(include_arrays=False) for model in (ours, theirs))
    assert {**ours, "meta.date": ""} == {**theirs, "meta.date": ""}


def test_a_product_has_metadata_of_its_own(uncal_path, backend):
    ramp = open_exposure(uncal_path, backend)
    for exposure in (ramp, rate_of(ramp, (16, 12)), rate_of(ramp, (2, 16, 12))):
        product = to_model(exposure)
        product.meta.observation.observer = "somebody else"
        assert not ramp.meta.observation.hasattr("observer")


def test_a_ramp_product_holds_what_the_exposure_holds(uncal_path, backend):
    ramp = open_exposure(uncal_path, backend)
    product = to_model(ramp)
    assert type(product) is datamodels.RampModel
    for name in ("data", "groupdq", "pixeldq", "zeroframe"):
        np.testing.assert_array_equal(product.instance[name], getattr(ramp, name))
        assert product.instance[name].flags.writeable
    assert product.instance.get("refout") is None


def test_what_is_no_exposure_is_refused():
    with pytest.raises(TypeError, match="expected an exposure in flight, found dict"):
        to_model({})


def contents(path):
    with fits.open(path) as hdus:
        headers = [
            (
                hdu.name,
                [(c.keyword, c.value, c.comment) for c in hdu.header.cards if c.keyword not in ("DATE", "FILENAME")],
            )
            for hdu in hdus
            if hdu.name != "ASDF"
        ]
        data = {hdu.name: hdu.data.copy() for hdu in hdus[1:] if hdu.name != "ASDF"}
    return headers, data


@pytest.mark.parity
@pytest.mark.parametrize("shape", [(16, 12), (2, 16, 12)])
def test_rate_files_are_those_of_jwst(shape, uncal_path, backend, tmp_path):
    fitting = pytest.importorskip("jwst.ramp_fitting.ramp_fit_step")
    ramp = open_exposure(uncal_path, backend)
    rate = rate_of(ramp, shape)
    write(to_model(rate), tmp_path / "ours.fits")

    names = ("dq", "err", "var_poisson", "var_rnoise")
    info = {"slope": rate.data.copy()} | {name: getattr(rate, name).copy() for name in names}
    theirs = datamodels.RampModel(str(uncal_path))
    if len(shape) == 2:
        model = fitting.create_image_model(theirs, info)
    else:
        model = fitting.create_integration_model(theirs, info, theirs.int_times)
    model.meta.bunit_data = model.meta.bunit_err = "DN/s"
    model.save(str(tmp_path / "theirs.fits"))
    assert_same_files(tmp_path / "ours.fits", tmp_path / "theirs.fits")


def test_ramp_files_are_those_of_stdatamodels(uncal_path, backend, tmp_path):
    write(to_model(open_exposure(uncal_path, backend)), tmp_path / "ours.fits")
    datamodels.RampModel(str(uncal_path)).save(str(tmp_path / "theirs.fits"))
    assert_same_files(tmp_path / "ours.fits", tmp_path / "theirs.fits")


def assert_same_files(ours, theirs):
    (our_headers, our_data), (their_headers, their_data) = contents(ours), contents(theirs)
    assert our_headers == their_headers
    assert our_data.keys() == their_data.keys()
    for name, values in our_data.items():
        np.testing.assert_array_equal(values, their_data[name])
