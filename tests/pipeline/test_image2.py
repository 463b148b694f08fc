"""Image2Pipeline: inputs, the order of steps, products and their names."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.image_exposures import NIRCAM, Place
from stdatamodels.jwst import datamodels

import gpipe.backends
from gpipe.associations import asn_from_list
from gpipe.controller.declaration.given import Given
from gpipe.datamodels import Image, open_exposure
from gpipe.exceptions import InputError
from gpipe.pipeline import Detector1Pipeline, Image2Pipeline, calwebb_image2

SMALL = Place(NIRCAM, shape=(12, 10))
EXTENSIONS = ["PRIMARY", "SCI", "ERR", "DQ", "AREA", "VAR_POISSON", "VAR_RNOISE", "VAR_FLAT", "ASDF"]


@pytest.fixture(scope="module")
def steps(tmp_path_factory):
    return SMALL.steps(tmp_path_factory.mktemp("references"))


@pytest.fixture
def calibrate(steps, tmp_path, monkeypatch):
    """The pipeline with small references; parameters of steps are added to these."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STPIPE_DISABLE_CRDS_STEPPARS", "1")

    def call(source, *, steps_too=None, **parameters):
        more = steps_too or {}
        chosen = {name: steps.get(name, {}) | more.get(name, {}) for name in {*steps, *more}}
        return Image2Pipeline.call(source, configure_log=False, steps=chosen, **parameters)

    return call


def saved(name, **settings):
    model = SMALL.rate(name, **settings)
    model.save(name)
    return model


def files():
    return sorted(path.name for path in Path().iterdir() if "rate" not in path.name and path.suffix == ".fits")


def test_a_file_becomes_a_calibrated_file(calibrate):
    from astropy.io import fits

    model = saved("a_rate.fits")
    (result,) = calibrate("a_rate.fits", save_results=True)
    assert files() == ["a_cal.fits", "a_i2d.fits"]
    assert type(result) is datamodels.ImageModel
    with fits.open("a_cal.fits") as file:
        assert [hdu.name for hdu in file] == EXTENSIONS
        header = file[0].header
        assert [header[f"S_{name}"] for name in ("WCS", "FLAT", "PHOTOM")] == ["COMPLETE"] * 3
        assert (header["ASNPOOL"], header["ASNTABLE"], header["R_CAMERA"]) == ("singleton", "singleton", "N/A")
        assert "S_BKDSUB" not in header
        assert file["SCI"].header["BUNIT"] == "MJy/sr"
    assert np.nanmedian(result.data / model.data) == pytest.approx(result.meta.photometry.conversion_megajanskys, 0.1)
    assert result.meta.wcs(4, 4)[1] == pytest.approx(-69.5, abs=1)
    assert model.meta.cal_step.assign_wcs is None


def test_a_cube_becomes_calibrated_integrations(calibrate):
    (result,) = calibrate(saved("a_rateints.fits", nints=3), save_results=True)
    assert files() == ["a_calints.fits"]
    assert (type(result), result.data.shape) == (datamodels.CubeModel, (3, 12, 10))


def test_a_list_and_a_suffix(calibrate):
    results = calibrate([saved("a_rate.fits"), saved("b_rate.fits")], suffix="mine")
    assert [len(results), files()] == [2, []]
    calibrate("a_rate.fits", suffix="mine", save_results=True, steps_too={"resample": {"skip": True}})
    calibrate(saved("a_rateints.fits", nints=2), suffix="mine", save_results=True)
    assert files() == ["a_mine.fits", "a_mineints.fits"]


def test_products_of_an_association(calibrate, caplog):
    for name, level in (("a_rate.fits", 1), ("b_rate.fits", 2), ("sky_rate.fits", 3)):
        saved(name, seed=level)
    pairs = [("a_rate.fits", "science"), ("sky_rate.fits", "background"), ("b_rate.fits", "science")]
    content = asn_from_list(pairs, rule="DMSLevel2bBase", with_exptype=True)
    Path("two_asn.json").write_text(json.dumps(content | {"asn_pool": "pool.csv"}))
    saves = {"steps_too": {"bkg_subtract": {"save_results": True}}, "save_results": True}
    saves["steps_too"]["resample"] = {"skip": True}
    first, second = calibrate("two_asn.json", output_file="ignored", **saves)
    assert files() == ["a_bsub.fits", "a_cal.fits", "b_cal.fits"]
    assert "Multiple products in input association. Output file name will be ignored." in caplog.messages
    assert (first.meta.asn.pool_name, first.meta.asn.table_name) == ("pool.csv", "two_asn.json")
    assert (first.meta.cal_step.bkg_subtract, second.meta.cal_step.bkg_subtract) == ("COMPLETE", None)
    content["products"][0]["name"] = "named"
    content["products"].pop()
    (again,) = calibrate(content, save_results=True)
    assert "named_cal.fits" in files()
    np.testing.assert_array_equal(again.data, first.data)
    with datamodels.open("a_bsub.fits") as subtracted, datamodels.open("a_rate.fits") as rate:
        assert np.nanmedian(rate.data) - 2 > np.nanmedian(subtracted.data)
        assert subtracted.meta.cal_step.bkg_subtract == "COMPLETE"


def test_save_bsub_is_deprecated_and_leaves_no_trace(calibrate):
    pipe = Image2Pipeline(save_bsub=True)
    with pytest.warns(DeprecationWarning, match="The --save_bsub parameter is deprecated"):
        calibrate(saved("a_rate.fits"), save_bsub=True)
    assert pipe.asks_for_result("bkg_subtract")
    assert not pipe.bkg_subtract.save_results


def test_backgrounds_of_a_parameter_are_not_enough(calibrate):
    (result,) = calibrate(saved("a_rate.fits"), steps_too={"bkg_subtract": {"bkg_list": ["none.fits"]}})
    assert result.meta.cal_step.bkg_subtract is None
    names = [step.name for step in Image2Pipeline().sequence(result.meta, Given((2, 2), frozenset({"background"})))]
    assert names == ["bkg_subtract", "assign_wcs", "flat_field", "photom", "resample"]


def test_an_exposure_whose_factor_is_not_known_is_not_resampled(calibrate):
    model = saved("a_rate.fits")
    model.meta.instrument.filter = "F356W"
    (result,) = calibrate(model, save_results=True)
    assert files() == ["a_cal.fits"]
    assert (result.meta.cal_step.photom, result.meta.cal_step.resample) == ("SKIPPED", "SKIPPED")
    calibrate(model, save_results=True, steps_too={"photom": {"skip": True}})
    assert files() == ["a_cal.fits", "a_i2d.fits"]


def test_darks_have_no_wcs_and_go_on(calibrate):
    (result,) = calibrate(saved("a_rate.fits", exp_type="NRC_DARK"))
    assert (result.meta.cal_step.assign_wcs, result.meta.cal_step.photom) == ("SKIPPED", "COMPLETE")


def test_nothing_is_done_where_all_is_skipped(calibrate):
    skipped = {name: {"skip": True} for name in ("assign_wcs", "flat_field", "photom", "resample")}
    (result,) = calibrate(saved("a_rate.fits"), steps_too=skipped, save_results=True)
    assert files() == ["a_cal.fits"]
    assert result.meta.cal_step.photom == "SKIPPED"


def test_exposures_of_nirspec_and_associations_that_are_none_are_refused(calibrate):
    model = saved("a_rate.fits")
    model.meta.instrument.instance.update(name="NIRSPEC", detector="NRS1")
    model.meta.exposure.type = "NRS_IMAGE"
    with pytest.raises(InputError, match=r"a_rate.fits: found an exposure of NIRSpec \(NRS_IMAGE\)"):
        calibrate(model)
    Path("bad.json").write_text("{}")
    with pytest.raises(InputError, match=r"bad.json: "):
        calibrate("bad.json")
    with pytest.raises(InputError, match="expected a count-rate product"):
        calibrate(datamodels.RampModel((1, 2, 8, 8)))


def test_in_flight_from_the_first_stage(exposure, tmp_path):
    rate = Detector1Pipeline.call(open_exposure(exposure, gpipe.backends.get("numpy")), configure_log=False)
    window = rate.window
    place = Place(NIRCAM, (window.xstart, window.ystart), (window.ysize, window.xsize))
    references = place.steps(tmp_path)
    (image,) = Image2Pipeline.call(rate, configure_log=False, steps=references)
    assert isinstance(image, Image)
    assert (image.shape, image.meta.cal_step.photom) == ((64, 64), "COMPLETE")
    assert rate.meta.cal_step.photom is None
    Detector1Pipeline.call(exposure, output_file="a", configure_log=False)
    (by_file,) = Image2Pipeline.call("a_rate.fits", configure_log=False, steps=references)
    np.testing.assert_array_equal(image.data, by_file.data)


def test_jwst_has_it_in_a_module_of_its_own():
    assert calwebb_image2.Image2Pipeline is Image2Pipeline
