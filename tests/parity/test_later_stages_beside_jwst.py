"""Results that gpipe takes from jwst's later stages, compared with jwst 3.0.0: masks by a WCS, light of time series.

Compared: SCI after picture_frame and clean_flicker_noise (flags must not change), masks and backgrounds on the side.
Both packages make the WCS, and measure the light, through the same CRDS cache with idealised optics (optics.py).
"""

import os
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from helpers import optics
from helpers.comparison import compare_flags, compare_ramps, compare_rates, compare_science
from helpers.exposures import AGAIN, THOROUGH
from helpers.flicker_kinds import FLICKER, pastasoss_reference
from helpers.optical_kinds import FULL, SERIES, mos, references, variable
from stdatamodels.jwst import datamodels

from gpipe.clean_flicker_noise import CleanFlickerNoiseStep
from gpipe.picture_frame import PictureFrameStep
from gpipe.pipeline import Detector1Pipeline
from gpipe.simulate import ExposureConfig

pytestmark = [pytest.mark.parity, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def prepared(exposure_and_cache):
    """A function from a config to a file of its ramps, or rates, before the step, and its read noise in DN.

    ``change`` is called with the model before it is saved.
    """

    def prepare(config, others, *, rates=None, change=lambda model: None, to="before.fits"):
        exposure = exposure_and_cache(config, others=others)
        steps = {} if rates else {"ramp_fit": {"skip": True}, "gain_scale": {"skip": True}}
        found = Detector1Pipeline.call(exposure.path, steps=steps, configure_log=False, save_results=bool(rates))
        if rates:
            found = datamodels.open(exposure.path.name.replace("uncal", rates))
        change(found)
        Path(to).parent.mkdir(exist_ok=True)
        found.save(to)
        return to, np.float32(config.sca.read_noise / config.sca.gain)

    return prepare


def both(step, path, **parameters):
    """Run gpipe's and jwst's step on the same file; gpipe's result has no WCS."""
    theirs = getattr(import_module(f"jwst.{step.alias}"), step.__name__)
    ours = step.call(path, skip=False, output_dir="ours", configure_log=False, **parameters)
    assert getattr(ours.meta, "wcs", None) is None
    return ours, theirs.call(path, skip=False, output_dir="theirs", **parameters)


def status(step, *models):
    return [getattr(model.meta.cal_step, step.alias) for model in models]


def compare(step, path, noise, **parameters):
    """Compare the results and the side products."""
    ours, theirs = both(step, path, **parameters)
    assert status(step, ours, theirs) == ["COMPLETE", "COMPLETE"]
    if ours.data.ndim == 4:
        agreements = compare_ramps(step.alias, ours, theirs, noise)
    else:
        agreements = compare_rates(step.alias, ours, theirs)
    for name in sorted(os.listdir("theirs")):
        if name.endswith(("mask.fits", "bkg.fits", "correction.fits")):
            agreements.append(compare_files(name, noise))
    assert any("mask" in agreement.plane for agreement in agreements)
    return agreements


def compare_files(name, noise):
    with datamodels.open(f"ours/{name}") as ours, datamodels.open(f"theirs/{name}") as theirs:
        if "mask" not in name:
            return compare_science(name, ours.data, theirs.data, noise)
        assert 0.05 < theirs.data.mean() < 0.99
        return compare_flags(name, ours.data, theirs.data)


def unchanged(path, *models):
    with datamodels.open(path) as before:
        return all(np.array_equal(before.data, model.data, equal_nan=True) for model in models)


def background_share(name, rows):
    """Share of background in the columns that a slit in these rows may illuminate."""
    with datamodels.open(f"ours/{name}") as mask:
        return mask.data[..., rows, 400:1700].mean()


# --- masks by a WCS -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, AGAIN])
def test_picture_frame_of_ramps_behind_fixed_slits(seed, prepared, agree, tmp_path):
    config = ExposureConfig(exp_type="NRS_FIXEDSLIT", seed=seed, **FULL)
    path, noise = prepared(config, optics.of_nirspec(tmp_path))
    agree(compare(PictureFrameStep, path, noise, save_mask=True, save_correction=True))
    assert background_share("before_pctfrm_mask.fits", slice(1010, 1040)) == 0  # S400A1


def test_shutters_by_the_msa_file_beside_the_exposure(prepared, agree, tmp_path):
    """Without that file jwst writes FAILED, and gpipe SKIPPED, to an exposure that stays as it is."""
    (tmp_path / "elsewhere").mkdir()
    config = ExposureConfig(exp_type="NRS_MSASPEC", **FULL)
    path, noise = prepared(config, optics.of_nirspec(tmp_path), rates="rate", change=mos, to="elsewhere/before.fits")
    given = {"mask_science_regions": True, "save_mask": True}
    steps = (PictureFrameStep, CleanFlickerNoiseStep)
    agreements = [a for step in steps for a in compare(step, path, noise, **given)]
    Path("elsewhere/mine_msa.fits").unlink()
    for step in steps:
        models = both(step, path, **given)
        assert status(step, *models) == ["SKIPPED", "FAILED"]
        assert unchanged(path, *models)
    agree(agreements)


def test_slices(prepared, agree, tmp_path):
    config = ExposureConfig(exp_type="NRS_IFU", **FULL)
    path, noise = prepared(config, optics.of_nirspec(tmp_path), rates="rate")
    agree(compare(PictureFrameStep, path, noise, save_mask=True))


@pytest.mark.parametrize("seed", [1, AGAIN])
def test_clean_flicker_noise_beside_fixed_slits(seed, prepared, agree, tmp_path):
    small = FULL | {"noise": FLICKER, "nints": 2, "subarray": "ALLSLITS"}
    config = ExposureConfig(exp_type="NRS_FIXEDSLIT", seed=seed, **small)
    path, noise = prepared(config, optics.of_nirspec(tmp_path))
    given = {"mask_science_regions": True, "save_mask": True}
    agree(
        compare(CleanFlickerNoiseStep, path, noise, **given)
        + compare(CleanFlickerNoiseStep, path, noise, single_mask=False, **given)
    )


def test_light_beside_the_detector(prepared, agree, tmp_path):
    """picture_frame goes on without the regions, clean_flicker_noise leaves the exposure alone."""
    config = ExposureConfig(exp_type="NRS_FIXEDSLIT", **FULL)
    path, noise = prepared(config, optics.of_nirspec(tmp_path, off_detector=True), rates="rate")
    agree(compare(PictureFrameStep, path, noise, save_mask=True))
    models = both(CleanFlickerNoiseStep, path, mask_science_regions=True)
    assert status(CleanFlickerNoiseStep, *models) == ["SKIPPED", "FAILED"]
    assert unchanged(path, *models)


# --- light of time series -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "rates", "seed"),
    [(kind, None, 1) for kind in SERIES]
    + [pytest.param(kind, None, 2, marks=THOROUGH) for kind in SERIES]
    + [("NRC_TSIMAGE", "rateints", 1), ("NIS_SOSS", "rateints", 1)],
)
def test_median_images_of_time_series(kind, rates, seed, prepared, agree, tmp_path):
    config = replace(SERIES[kind], seed=seed)
    path, noise = prepared(config, references(kind, tmp_path), rates=rates, change=variable)
    traces = {"override_pastasoss": pastasoss_reference(tmp_path)} if kind == "NIS_SOSS" else {}
    given = {"background_method": "median_image", "save_background": True, "save_mask": True}
    agree(compare(CleanFlickerNoiseStep, path, noise, **given, **traces))
    with datamodels.open("ours/before_flicker_bkg.fits") as scene:
        bright = scene.data[:, ..., -1, :, :] if scene.data.ndim == 4 else scene.data
        measured = np.nanmedian(bright / np.nanmedian(bright, axis=0), axis=(1, 2))
    assert np.ptp(measured) > 0.01  # the light was measured, and not taken for constant


def test_an_open_model_stays_as_it_is(prepared, tmp_path):
    path, _ = prepared(SERIES["NRC_TSIMAGE"], references("NRC_TSIMAGE", tmp_path), rates="rateints", change=variable)
    with datamodels.open(path) as model, datamodels.open(path) as untouched:
        result = CleanFlickerNoiseStep.call(model, skip=False, background_method="median_image", configure_log=False)
        assert not unchanged(path, result)
        for name in ("data", "dq", "err", "var_poisson", "var_rnoise"):
            np.testing.assert_array_equal(getattr(model, name), getattr(untouched, name))
        assert model.to_flat_dict(include_arrays=False) == untouched.to_flat_dict(include_arrays=False)
