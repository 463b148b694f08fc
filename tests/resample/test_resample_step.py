"""The resample step: parameters, products and what is refused before a pixel is read."""

import json

import asdf
import numpy as np
import pytest
from astropy.io import fits
from helpers.cals import SHAPE, cal_model

from gpipe.exceptions import InputError, ParameterError
from gpipe.resample import mosaic_exposure
from gpipe.resample.resample_step import ResampleStep

VARIANCES = ("var_poisson", "var_rnoise", "var_flat")


@pytest.fixture(scope="module")
def cals():
    return [cal_model(k, ra=53.1 + k * 3e-5, dec=-27.8 + k * 2e-5) for k in range(3)]


def flat(model, level=7.0):
    changed = model.copy()
    changed.data[...] = level
    changed.dq[...] = 0
    return changed


def test_one_exposure_becomes_an_image_of_its_size(cals):
    image = ResampleStep.call(cals[0])
    assert np.allclose(image.data.shape, SHAPE, atol=2)
    assert image.con.shape == (1, *image.data.shape)
    assert image.meta.cal_step.resample == "COMPLETE"
    assert image.meta.resample.pointings == 1
    assert image.meta.wcs.array_shape == image.data.shape


def test_the_input_stays_as_it_is(cals):
    before = cals[0].copy()
    ResampleStep.call(cals[0])
    for name in ("data", "dq", "err", *VARIANCES):
        np.testing.assert_array_equal(getattr(cals[0], name), getattr(before, name))
    assert cals[0].meta.wcsinfo.instance == before.meta.wcsinfo.instance
    assert cals[0].meta.wcs.bounding_box is not None


def test_a_level_field_stays_level(cals):
    image = ResampleStep.call([flat(model) for model in cals])
    seen = image.wht > 0
    np.testing.assert_allclose(image.data[seen], 7, rtol=1e-6)
    assert np.isnan(image.data[~seen]).all()


def test_light_is_conserved(cals):
    model = cals[0]
    image = ResampleStep.call(model, pixel_scale_ratio=0.8)
    counts = (model.dq & 1 == 0) & np.isfinite(model.data)
    expected = np.sum((model.data / model.var_rnoise)[counts][None], dtype=float)
    found = np.nansum(image.data.astype(float) * image.wht)
    assert found == pytest.approx(expected, rel=0.05), "half a pixel is cut at the edges"


def test_the_context_tells_which_exposures_have_a_share(cals):
    image = ResampleStep.call([flat(model) for model in cals])
    assert set(np.unique(image.con)) <= set(range(8))
    assert (image.con[0] == 7).any()
    np.testing.assert_array_equal(image.con[0] != 0, image.wht > 0)


def test_results_do_not_depend_on_tiles(cals, monkeypatch):
    whole = ResampleStep.call(cals, propagate_dq=True)
    monkeypatch.setattr(mosaic_exposure, "TILE_BYTES", 1 << 16)
    cut = ResampleStep.call(cals, propagate_dq=True)
    for name in ("data", "wht", "err", "con", "dq", *VARIANCES):
        np.testing.assert_array_equal(getattr(cut, name), getattr(whole, name), err_msg=name)


def test_files_models_and_associations_give_the_same(cals, tmp_path):
    paths = [tmp_path / model.meta.filename for model in cals]
    for model, path in zip(cals, paths, strict=True):
        model.save(path)
    members = [{"expname": path.name, "exptype": "science"} for path in paths]
    table = {"products": [{"name": "mosaic", "members": members}]}
    asn = tmp_path / "image3_asn.json"
    asn.write_text(json.dumps(table))
    of_models = ResampleStep.call(cals)
    for source in (paths, asn):
        found = ResampleStep.call(source, save_results=True, output_dir=str(tmp_path))
        np.testing.assert_array_equal(found.data, of_models.data)
        assert found.meta.resample.pointings == 3
    with fits.open(tmp_path / "mosaic_resample.fits") as file:
        assert file[0].header["NDRIZ"] == 3
        assert file[0].header["S_RESAMP"] == "COMPLETE"
        assert "V3I_YANG" not in file["SCI"].header


def test_times_count_once_for_each_group(cals):
    pair = [model.copy() for model in cals[:2]]
    for model in pair:
        model.meta.group_id = "same"
    image = ResampleStep.call(pair)
    assert image.meta.resample.pointings == 1
    assert image.meta.exposure.exposure_time == pair[0].meta.exposure.exposure_time
    both = ResampleStep.call(cals[:2])
    assert both.meta.exposure.exposure_time == both.meta.exposure.effective_exposure_time == 201
    assert both.meta.exposure.measurement_time == 181
    assert (both.meta.exposure.start_time, both.meta.exposure.end_time) == (60000.0, 60001.1)


@pytest.mark.parametrize(
    ("parameters", "missing"),
    [
        ({}, {"dq"}),
        ({"enable_err": False}, {"err", "dq", *VARIANCES}),
        ({"report_var": False}, {"dq", *VARIANCES}),
        ({"enable_ctx": False}, {"con", "dq"}),
        ({"propagate_dq": True}, set()),
    ],
)
def test_planes_are_made_as_parameters_say(cals, parameters, missing):
    image = ResampleStep.call(cals[0], **parameters)
    assert {"err", "con", "dq", *VARIANCES} - image.instance.keys() == missing
    assert ("bunit_err" in image.meta.instance) == ("err" not in missing)


def test_single_gives_each_group_on_one_grid(cals):
    images = ResampleStep.call(cals, single=True)
    assert [image.meta.resample.pointings for image in images] == [1, 1, 1]
    assert {image.data.shape for image in images} == {ResampleStep.call(cals).data.shape}
    assert all("err" in image.instance and "var_rnoise" not in image.instance for image in images)


def test_the_background_of_the_header_is_subtracted_once(cals):
    model = flat(cals[0])
    model.meta.background.level, model.meta.background.subtracted = 2.0, False
    image = ResampleStep.call(model)
    np.testing.assert_allclose(image.data[image.wht > 0], 5, rtol=1e-6)
    assert image.meta.background.level is None
    model.meta.background.subtracted = True
    image = ResampleStep.call(model)
    np.testing.assert_allclose(image.data[image.wht > 0], 7, rtol=1e-6)


@pytest.mark.parametrize(("fillval", "value"), [("nan", np.nan), ("INDEF", np.nan), ("-99", -99), (0, 0)])
def test_pixels_without_weight_have_the_fill_value(cals, fillval, value):
    image = ResampleStep.call(cals, fillval=fillval)
    assert np.array_equal(np.unique(image.data[image.wht == 0]), [value], equal_nan=True)
    assert np.isnan(image.err[image.wht == 0]).all()


def test_a_stepsize_makes_a_difference(cals):
    exact = ResampleStep.call(cals[0])
    assert np.nanmax(np.abs(ResampleStep.call(cals[0], pixmap_stepsize=20).data - exact.data)) > 1e-5


def test_a_grid_of_a_file_is_taken(cals, tmp_path):
    image = ResampleStep.call(cals[0], rotation=0.0)
    asdf.AsdfFile({"wcs": image.meta.wcs}).write_to(tmp_path / "grid.asdf")
    found = ResampleStep.call(cals[1], output_wcs=str(tmp_path / "grid.asdf"))
    assert found.data.shape == image.data.shape
    assert found.meta.wcsinfo.crval1 == image.meta.wcsinfo.crval1


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"pixfrac": 1.5}, "pixfrac: found 1.5"),
        ({"kernel": "cubic"}, "kernel: found 'cubic'"),
        ({"fillval": "none"}, "expected a number, 'NAN' or 'INDEF'"),
        ({"crpix": [1.0]}, "crpix: found"),
        ({"crval": [1.0, None]}, "crval: found"),
        ({"output_shape": [0, 5]}, "output_shape: found"),
        ({"pixel_scale": 0}, "pixel_scale: found 0.0, expected a number above 0"),
        ({"pixel_scale_ratio": -1}, "pixel_scale_ratio: found -1.0"),
        ({"pixmap_order": 2}, "pixmap_order: found 2, expected 1 or 3"),
        ({"output_wcs": "absent.asdf"}, "output_wcs: absent.asdf cannot be read"),
    ],
)
def test_wrong_parameters_are_refused(cals, parameters, message):
    with pytest.raises(ParameterError, match=message):
        ResampleStep.call(cals[0], **parameters)


@pytest.mark.parametrize("number", [1, 2])
def test_a_variance_that_no_exposure_has_stays_unknown(cals, number):
    models = [model.copy() for model in cals[:number]]
    for model in models:
        del model.var_flat
    image = ResampleStep.call(models[0] if number == 1 else models)
    assert np.isnan(image.var_flat).all()
    seen = image.wht > 0
    np.testing.assert_allclose(image.err[seen] ** 2, (image.var_poisson + image.var_rnoise)[seen], rtol=1e-5)


def test_a_kernel_that_ignores_pixfrac_says_so(cals, caplog):
    ResampleStep.call(cals[0], kernel="lanczos2", pixfrac=0.5)
    assert "pixfrac: found 0.5, which kernel 'lanczos2' ignores" in caplog.text


def test_parameters_without_effect_are_taken(cals):
    plain = ResampleStep.call(cals)
    np.testing.assert_array_equal(ResampleStep.call(cals, in_memory=False, blendheaders=False).data, plain.data)


def test_two_none_are_none(cals):
    assert ResampleStep(crpix=[None, None]).crpix is None


def test_an_exposure_without_a_wcs_is_named(cals):
    model = cals[0].copy()
    del model.meta.wcs
    with pytest.raises(InputError, match=r"nrca1_cal.fits: found no WCS; run assign_wcs"):
        ResampleStep.call(model)


def test_a_wrong_pointing_is_named_before_pixels_are_read(cals):
    far = cal_model(5, ra=80.0)
    with pytest.raises(InputError, match=r"02106_00001_nrca1_cal.fits lies 2\d\.\d+ degrees from the others"):
        ResampleStep.call([*cals, far])


def test_the_time_of_weights_must_be_known(cals):
    model = cals[0].copy()
    model.meta.exposure.measurement_time = None
    model.meta.exposure.exposure_time = 0.0
    with pytest.raises(InputError, match="EFFEXPTM"):
        ResampleStep.call(model, weight_type="exptime")
