"""Exposures and references that gpipe calibrates and jwst 3.0.0 does not, or not right; see docs/differences.md."""

import os

import numpy as np
import pytest
from astropy.io import fits
from helpers.early_steps import CORNER, ramp_model, reference_model
from stdatamodels.jwst import datamodels

from gpipe import dq
from gpipe.background_mask.limits import clip_to_background
from gpipe.exceptions import InputError, ParameterError
from gpipe.pipeline import Detector1Pipeline

SHAPE = (1, 6, 8, 10)
OTHERS = {name: {"skip": True} for name in Detector1Pipeline.step_defs if name not in ("ramp_fit", "gain_scale")}
RATE = 3.0
"""DN/s of every pixel."""


@pytest.fixture(autouse=True)
def _no_crds_and_own_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("CRDS_PATH", raising=False)
    monkeypatch.setenv("STPIPE_DISABLE_CRDS_STEPPARS", "true")
    monkeypatch.chdir(tmp_path)


def straight_ramps(**described):
    times = 10.7 * np.arange(1, SHAPE[1] + 1, dtype=np.float32)
    data = np.broadcast_to(RATE * times[:, None, None], SHAPE).astype(np.float32)
    return ramp_model(data, **described)


def planes(gain_factor=None):
    gain = reference_model("GainModel", data=np.full(SHAPE[-2:], 2, np.float32))
    gain.meta.exposure.gain_factor = gain_factor
    return {"override_gain": gain, "override_readnoise": reference_model("ReadnoiseModel", data=plane(7))}


def plane(value):
    return np.full(SHAPE[-2:], value, np.float32)


def rates(ramps, references, **ramp_fit):
    """The rate product, and that of the integrations, of a run of ramp_fit and gain_scale."""
    ramps.meta.filename = "mine_uncal.fits"
    steps = {
        **OTHERS,
        "ramp_fit": {**references, **ramp_fit},
        "gain_scale": {"override_gain": references["override_gain"]},
    }
    Detector1Pipeline.call(ramps, steps=steps, save_results=True, configure_log=False)
    return [datamodels.open(f"mine_{suffix}.fits") for suffix in ("rate", "rateints")]


def test_rates_of_an_only_integration_by_likelihood_are_scaled_once():
    rate, rateints = rates(straight_ramps(), planes(gain_factor=2.0), algorithm="LIKELY")
    np.testing.assert_allclose(rate.data, 2 * RATE, rtol=1e-5)
    np.testing.assert_allclose(rateints.data, 2 * RATE, rtol=1e-5)


@pytest.mark.parametrize("algorithm", ["OLS_C", "LIKELY"])
def test_an_open_reference_stays_as_it_is(algorithm):
    references = planes()
    rates(straight_ramps(), references, algorithm=algorithm)
    np.testing.assert_array_equal(references["override_readnoise"].data, plane(7))
    np.testing.assert_array_equal(references["override_gain"].data, plane(2))


def test_a_zero_frame_that_the_header_denies_is_not_fitted():
    saturated = np.zeros(SHAPE, np.uint8)
    saturated[0, :, 3, 4] = dq.SATURATED
    zeroframe = np.full((1, *SHAPE[-2:]), 35000.0, np.float32)
    for announced in (True, False):
        ramps = straight_ramps(groupdq=saturated, zeroframe=zeroframe)
        ramps.meta.exposure.zero_frame = announced
        rate, _ = rates(ramps, planes(), suppress_one_group=False)
        assert np.isnan(rate.data[3, 4]) == (not announced)
        assert bool(rate.dq[3, 4] & dq.DO_NOT_USE) == (not announced)
        assert rate.data[0, 0] == pytest.approx(RATE, rel=1e-5)


@pytest.mark.parametrize("broader", [300, 1000, 3000])
def test_a_narrow_background_beside_a_broad_distribution_keeps_its_limits(library, broader):
    rng = np.random.default_rng(broader)
    image = rng.normal(0, 1, (150, 200)).astype(np.float32)
    image[::10] = rng.normal(0, broader, (15, 200))
    found = library.run(clip_to_background, image, np.ones(image.shape, bool), above=2.0, fit_histogram=True)
    assert 1.5 < image[found].max() < 2.5


def dark_current(exposure, dark):
    ramps = Detector1Pipeline.step_defs["dark_current"].call(exposure, override_dark=dark, configure_log=False)
    return ramps.meta.cal_step.dark_sub, float(ramps.data[0, 2, 3, 3] - exposure.data[0, 2, 3, 3])


@pytest.mark.parametrize(
    ("axes", "nframes", "expected"), [(3, 1, ("COMPLETE", -2)), (4, 1, ("COMPLETE", -2)), (3, None, ("SKIPPED", 0))]
)
def test_darks_of_four_axes_and_darks_that_do_not_give_their_frames(axes, nframes, expected):
    data = np.full((6, *SHAPE[-2:]), 2, np.float32)
    model = reference_model("DarkModel" if axes == 3 else "DarkMIRIModel", data=data if axes == 3 else data[None])
    model.meta.exposure.instance.update({"groupgap": 0} if nframes is None else {"groupgap": 0, "nframes": nframes})
    assert dark_current(straight_ramps(), model) == expected


def test_an_exposure_without_asdf_extension_and_without_the_zero_frame_that_it_promises():
    straight_ramps().save("mine_uncal.fits")
    with fits.open("mine_uncal.fits", mode="update") as hdus:
        hdus[0].header["ZEROFRAM"] = True
        del hdus["ASDF"]
    steps = {**OTHERS, "ramp_fit": planes(), "gain_scale": {"override_gain": "N/A"}}
    rate = Detector1Pipeline.call("mine_uncal.fits", steps=steps, configure_log=False)
    np.testing.assert_allclose(rate.data, RATE, rtol=1e-5)
    assert (rate.meta.subarray.xstart, rate.meta.subarray.ystart) == CORNER


def test_the_name_of_a_reference_that_no_header_can_hold_is_escaped_in_it():
    reference_model("SuperBiasModel", data=plane(1)).save("bias.fits")
    os.replace("bias.fits", "bïas.fits")
    step = Detector1Pipeline.step_defs["superbias"]
    step.call(straight_ramps(), override_superbias="bïas.fits", output_file="mine.fits", configure_log=False)
    assert fits.getheader("mine_superbias.fits")["R_SUPERB"].endswith(r"b\xefas.fits")


@pytest.mark.parametrize("given", ["output_file", "output_dir", "suffix", "override_superbias", "config_file", "name"])
def test_a_name_with_nul_is_refused_before_work(given):
    step = Detector1Pipeline.step_defs["superbias"]
    if given == "name":
        with pytest.raises(InputError, match="found NUL in the path"):
            step.call("a\0b", configure_log=False)
        return
    with pytest.raises(ParameterError, match=r"found 'a\\x00b'.*expected"):
        step.call(straight_ramps(), configure_log=False, **{given: "a\0b"})
