from pathlib import Path

import numpy as np
import pytest
from helpers.rates import flat_model, rate_model
from helpers.strict_backend import StrictBackend
from helpers.stub_associations import members, save_association
from stdatamodels.jwst import datamodels

import gpipe.backends
from gpipe.background import BackgroundStep, combined_exposure
from gpipe.controller import Companions, References
from gpipe.datamodels import open_exposure
from gpipe.exceptions import InputError, ParameterError

SHAPE = (8, 10)


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("STPIPE_DISABLE_CRDS_STEPPARS", "1")
    monkeypatch.chdir(tmp_path)


def subtract(target, *backgrounds, **parameters):
    return BackgroundStep.call(target, list(backgrounds), **parameters)


def test_the_mean_is_subtracted_and_all_flags_count():
    target, first, second = flat_model(SHAPE, 10), flat_model(SHAPE, 2), flat_model(SHAPE, 4)
    target.dq[0, 0], first.dq[0, 0], second.dq[0, 0], second.data[1, 1] = 1, 4, 8, np.nan
    first.data[2, 2] = second.data[2, 2] = np.nan
    result = subtract(target, first, second)
    assert (result.data[0, 0], result.data[1, 1], result.data[2, 2]) == (7, 8, 10)
    assert (result.dq[0, 0], result.dq[0, 1]) == (13, 0)
    np.testing.assert_array_equal(result.err, target.err)
    assert (result.meta.cal_step.bkg_subtract, target.meta.cal_step.bkg_subtract) == ("COMPLETE", None)
    assert target.data[0, 0] == 10


def test_outliers_are_left_out():
    backgrounds = [flat_model(SHAPE, level) for level in (*[1, 3] * 5, 500)]
    assert np.all(subtract(flat_model(SHAPE, 10), *backgrounds).data == 8)
    assert np.all(subtract(flat_model(SHAPE, 10), *backgrounds, sigma=10).data < -30)


@pytest.mark.parametrize(
    ("corner", "rows", "columns"),
    [((1, 1), slice(1), slice(3)), ((5, 6), slice(1, 6), slice(1, 7)), ((9, 9), slice(4, 8), slice(5, 10))],
)
def test_a_window_is_placed_where_it_lies(corner, rows, columns):
    background = flat_model((5, 6), 4, corner=corner)
    known = np.zeros(SHAPE, bool)
    known[rows, columns] = True
    background.dq[...] = 4
    result = subtract(flat_model(SHAPE, 10, corner=(4, 5)), background)
    np.testing.assert_array_equal(result.data, np.where(known, 6, 10))
    np.testing.assert_array_equal(result.dq, np.where(known, 4, 0))


def test_a_window_elsewhere_changes_nothing():
    result = subtract(flat_model(SHAPE, 10), flat_model(SHAPE, 4, corner=(100, 1)))
    assert np.all(result.data == 10)
    assert result.meta.cal_step.bkg_subtract == "COMPLETE"


@pytest.mark.parametrize("target", [SHAPE, (3, *SHAPE)])
@pytest.mark.parametrize("background", [SHAPE, (5, *SHAPE)])
def test_images_and_cubes_meet(target, background):
    model = flat_model(background, 4)
    if len(background) == 3:
        model.data[:] = np.arange(2, 7)[:, None, None]
        model.dq[3, 1, 1] = 16
    result = subtract(flat_model(target, 10), model)
    assert result.data.shape == target
    assert np.all(result.data == 6)
    assert np.all(result.dq[..., 1, 1] == 16 * (len(background) == 3))


def test_rows_and_threads_make_no_difference(monkeypatch):
    target, backgrounds = rate_model((3, *SHAPE)), [rate_model((4, 12, 12), seed=seed) for seed in range(1, 4)]
    whole = subtract(target, *backgrounds, sigma=1.5)
    monkeypatch.setattr(combined_exposure, "ON_HOST", 150)
    by_rows = subtract(target, *backgrounds, sigma=1.5)
    np.testing.assert_array_equal(by_rows.data, whole.data)
    np.testing.assert_array_equal(by_rows.dq, whole.dq)


def test_a_device_gives_the_same():
    target, backgrounds = rate_model(SHAPE), [rate_model(SHAPE, seed=seed) for seed in range(1, 10)]
    strict = StrictBackend()
    on_device = Companions({"background": [open_exposure(one, strict) for one in backgrounds]})
    step = BackgroundStep(save_combined_background=True)
    found = step.apply(open_exposure(target, strict), References({}), on_device)
    expected = subtract(target, *backgrounds)
    np.testing.assert_array_equal(strict.to_host(found.results[0].data), expected.data)
    assert np.isfinite(found.side_products[0].model.err).sum() > 70
    host = open_exposure(target, gpipe.backends.get("numpy"))
    np.testing.assert_array_equal(step.apply(host, References({}), on_device).results[0].data, expected.data)


def test_members_of_an_association_come_before_a_list():
    for name, level in (("s_rate.fits", 10), ("b_rate.fits", 3), ("other_rate.fits", 5)):
        flat_model(SHAPE, level, name=name).save(name)
    with_one = ("s", members(science="s_rate.fits", background="b_rate.fits"))
    path = save_association(Path("asn.json"), with_one, with_one)
    result = BackgroundStep.call(path, bkg_list=["other_rate.fits"])
    assert np.all(result.data == 7)
    assert result.meta.filename == "s_rate.fits"


@pytest.mark.parametrize("given", ["a_rate.fits", "a_rate.fits, a_rate.fits,", ["a_rate.fits"], "model"])
def test_a_list_is_paths_or_models(given):
    background = flat_model(SHAPE, 3)
    background.save("a_rate.fits")
    given = background if given == "model" else given
    assert np.all(BackgroundStep.call(flat_model(SHAPE, 10), given).data == 7)
    assert np.all(BackgroundStep(bkg_list=given).run(flat_model(SHAPE, 10)).data == 7)


@pytest.mark.parametrize("given", [None, [], ""])
def test_without_backgrounds_the_step_is_skipped(given):
    result = BackgroundStep.call(flat_model(SHAPE, 10), given)
    assert result.meta.cal_step.bkg_subtract == "SKIPPED"
    assert np.all(result.data == 10)


def test_what_is_no_background_is_refused():
    datamodels.RampModel((1, 2, 8, 8)).save("ramp.fits")
    with pytest.raises(InputError, match=r"bkg_list: found no file .*none_rate.fits"):
        subtract(flat_model(SHAPE, 10), "none_rate.fits")
    with pytest.raises(InputError, match=r"ramp.fits: found"):
        subtract(flat_model(SHAPE, 10), "ramp.fits")
    with pytest.raises(ParameterError, match=r"bkg_list: found 3 \(int\), expected paths or open models"):
        BackgroundStep(bkg_list=3)
    with pytest.raises(InputError, match=r"found an exposure of type NIS_SOSS, whose background gpipe does not"):
        BackgroundStep().check(flat_model(SHAPE, 10, exp_type="NIS_SOSS").meta, References({}))


@pytest.mark.parametrize(("tilt", "status"), [(0.2, "COMPLETE"), (0.2 + 1e-7, "SKIPPED")])
def test_spectra_of_nirspec_with_another_tilt_are_not_subtracted(tilt, status):
    target, background = (flat_model(SHAPE, level, exp_type="NRS_FIXEDSLIT") for level in (10, 4))
    for model, xtilt in ((target, 0.2), (background, tilt)):
        model.meta.instrument.instance.update(name="NIRSPEC", detector="NRS1", gwa_xtilt=xtilt, gwa_ytilt=0.1)
    result = subtract(target, background)
    assert result.meta.cal_step.bkg_subtract == status
    assert np.all(result.data == (6 if status == "COMPLETE" else 10))


def test_the_combined_background_is_saved():
    target, backgrounds = flat_model(SHAPE, 10, name="x_rate.fits"), [flat_model(SHAPE, 3), flat_model(SHAPE, 5)]
    for model in backgrounds:
        model.err[...], model.dq[0, 0] = 3.0, 4
    subtract(target, *backgrounds, save_combined_background=True, save_results=True, suffix="bsub")
    with datamodels.open("x_combinedbackground.fits") as found, datamodels.open("x_bsub.fits") as result:
        assert np.all(found.data == 4)
        assert np.all(result.data == 6)
        np.testing.assert_allclose(found.err, np.sqrt(18) / 2, rtol=1e-6)
        assert found.dq[0, 0] == 4
        assert found.meta.instrument.detector == "NRCALONG"


def test_values_without_a_name_beyond_the_list_are_refused():
    with pytest.raises(TypeError, match=r"BackgroundStep: found 3 values .*, expected the exposure, bkg_list"):
        BackgroundStep.call(flat_model(SHAPE, 1), None, None)
