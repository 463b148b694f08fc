"""clean_flicker_noise of gpipe and of jwst 3.0.0 on the same ramps, rates and references.

Compared: SCI after the step (GROUPDQ and PIXELDQ must not change), masks, backgrounds and noise saved on the side, for
every parameter; then the products of the whole pipeline. WCS-based masks of NIRSpec and median images of time series:
test_later_stages_beside_jwst.py.
"""

import numpy as np
import pytest
from helpers.comparison import compare_ramps, compare_rates, compare_science
from helpers.exposures import THOROUGH
from helpers.flicker_kinds import (
    FULL_FRAMES,
    NIRCAM,
    NIRISS,
    NIRISS_IMAGE,
    NIRSPEC,
    NIRSPEC_2,
    PARAMETERS,
    flat_reference,
    pastasoss_reference,
)

from gpipe.clean_flicker_noise import CleanFlickerNoiseStep
from gpipe.pipeline import Detector1Pipeline

pytestmark = [pytest.mark.parity, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def prepared(exposure_and_cache):
    """A function from a config to the ramp before the step, as a path, and its read noise in DN."""

    def prepare(config):
        exposure = exposure_and_cache(config)
        steps = {"ramp_fit": {"skip": True}, "gain_scale": {"skip": True}}
        ramp = Detector1Pipeline.call(exposure.path, steps=steps, configure_log=False)
        ramp.save("before_ramp.fits")
        return "before_ramp.fits", np.float32(config.sca.read_noise / config.sca.gain)

    return prepare


def both(path, **parameters):
    """Run gpipe's and jwst's step on the same file."""
    from jwst.clean_flicker_noise import CleanFlickerNoiseStep as Theirs

    ours = CleanFlickerNoiseStep.call(path, skip=False, output_dir="ours", configure_log=False, **parameters)
    theirs = Theirs.call(path, skip=False, output_dir="theirs", **parameters)
    assert theirs.meta.cal_step.clean_flicker_noise == ours.meta.cal_step.clean_flicker_noise == "COMPLETE"
    return ours, theirs


def compare(path, noise, label="", **parameters):
    from stdatamodels.jwst import datamodels

    ours, theirs = both(path, **parameters)
    with datamodels.open(path) as before:
        assert np.nanmax(np.abs(theirs.data - before.data)) > 0.1 * noise  # it did something
    return compare_ramps(label, ours, theirs, noise)


@pytest.mark.parametrize("config", [NIRCAM, NIRISS_IMAGE], ids=["nircam", "niriss"])
def test_small_subarrays_with_every_parameter(config, prepared, agree, monkeypatch):
    from jwst.clean_flicker_noise import clean_flicker_noise as theirs

    # For median_image jwst finds a WCS, which needs distortions that the cache lacks, and does not use it for images.
    monkeypatch.setattr(theirs, "post_process_rate", lambda model, **_: model)
    path, noise = prepared(config)
    agree([a for given in PARAMETERS for a in compare(path, noise, label=str(given), **given)])


@pytest.mark.parametrize("config", [NIRCAM, NIRISS_IMAGE], ids=["nircam", "niriss"])
def test_flat_and_automatic_parameters(config, prepared, agree, tmp_path):
    path, noise = prepared(config)
    flat = flat_reference(config, tmp_path)
    agree(
        compare(path, noise, "flat", apply_flat_field=True, override_flat=flat)
        + compare(path, noise, "auto", autoparam=True)
        + compare(path, noise, "auto, flat", autoparam=True, override_flat=flat)
    )


def test_side_products_and_user_masks(prepared, agree):
    from stdatamodels.jwst import datamodels

    path, noise = prepared(NIRCAM)
    agreements = []
    for given in ({"background_method": "model"}, {"single_mask": False}):
        saved = {"save_mask": True, "save_background": True, "save_noise": True}
        both(path, **saved, **given)
        for suffix in ("mask", "flicker_bkg", "flicker_noise"):
            with (
                datamodels.open(f"ours/before_{suffix}.fits") as ours,
                datamodels.open(f"theirs/before_{suffix}.fits") as theirs,
            ):
                assert type(ours) is type(theirs)
                agreements.append(compare_science(suffix, ours.data, theirs.data, noise))
        agreements += compare(path, noise, "user_mask", user_mask="theirs/before_mask.fits")
    agree(agreements)


def test_soss_and_its_traces(prepared, agree, tmp_path):
    path, noise = prepared(NIRISS)
    traces = pastasoss_reference(tmp_path)
    from stdatamodels.jwst import datamodels

    with datamodels.open(path) as model:
        model.meta.instrument.pupil_position = 245.85
        model.save("soss_ramp.fits")
    agree(
        compare(path, noise, "default")
        + compare("soss_ramp.fits", noise, "traces", mask_science_regions=True, override_pastasoss=traces)
    )


@pytest.mark.parametrize("config", [NIRSPEC, NIRSPEC_2], ids=["nrs1", "nrs2"])
def test_fourier_modes_of_nirspec_subarrays(config, prepared, agree):
    path, noise = prepared(config)
    agree(
        compare(path, noise, "fft", fit_method="fft")
        + compare(path, noise, "fft, model", fit_method="fft", background_method="model", single_mask=False)
        + compare(path, noise, "median")
    )


@pytest.mark.parametrize("config", [NIRCAM, NIRSPEC], ids=["nircam", "nirspec"])
def test_rates_instead_of_ramps(config, exposure_and_cache, agree):
    exposure = exposure_and_cache(config)
    Detector1Pipeline.call(exposure.path, save_results=True, output_dir=".", configure_log=False)
    stem = exposure.path.name.removesuffix("_uncal.fits")
    agreements = []
    given = [{}, {"single_mask": False}, {"fit_method": "fft"} if config is NIRSPEC else {"autoparam": True}]
    for suffix in ("rate", "rateints"):
        for parameters in given:
            agreements += compare_rates(f"{suffix} {parameters}", *both(f"{stem}_{suffix}.fits", **parameters))
    agree(agreements)


@pytest.mark.parametrize("config", [NIRCAM, NIRISS], ids=["nircam", "niriss"])
def test_products_of_the_pipeline(config, exposure_and_cache, agree):
    from jwst.pipeline import Detector1Pipeline as Theirs
    from stdatamodels.jwst import datamodels

    exposure = exposure_and_cache(config)
    steps = {"clean_flicker_noise": {"skip": False}}
    stem = exposure.path.name.removesuffix("_uncal.fits")
    Detector1Pipeline.call(exposure.path, steps=steps, output_dir="ours", configure_log=False)
    Theirs.call(str(exposure.path), steps=steps, output_dir="theirs", save_results=True)
    agreements = []
    for suffix in ("rate", "rateints"):
        with (
            datamodels.open(f"ours/{stem}_{suffix}.fits") as ours,
            datamodels.open(f"theirs/{stem}_{suffix}.fits") as theirs,
        ):
            assert ours.meta.cal_step.clean_flicker_noise == theirs.meta.cal_step.clean_flicker_noise == "COMPLETE"
            agreements += compare_rates(suffix, ours, theirs)
    agree(agreements)


@pytest.mark.parametrize(
    ("config", "given"),
    [
        pytest.param(*kind, id=name, marks=[] if name == "nircam-channels" else [THOROUGH])
        for name, kind in FULL_FRAMES.items()
    ],
)
def test_full_frames(config, given, prepared, agree):
    path, noise = prepared(config)
    agree(compare(path, noise, str(given), **given))
