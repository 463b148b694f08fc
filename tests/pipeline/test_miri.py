"""MIRI through whole pipelines: the steps that run, their order, references and results."""

import logging
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from gpipe import dq, simulate
from gpipe.controller import StepStarted, watch
from gpipe.pipeline import DarkPipeline, Detector1Pipeline

CONFIG = simulate.ExposureConfig(
    detector="MIRIMAGE", readpatt="FASTR1", subarray="SUB64", nints=3, ngroups=9, exp_type="MIR_IMAGE", seed=4
)
DARK_ORDER = [
    "group_scale",
    "dq_init",
    "emicorr",
    "saturation",
    "ipc",
    "firstframe",
    "lastframe",
    "reset",
    "linearity",
    "rscd",
]
ORDER = [
    *DARK_ORDER,
    "dark_current",
    "refpix",
    "charge_migration",
    "jump",
    "picture_frame",
    "clean_flicker_noise",
    "persistence",
    "ramp_fit",
    "gain_scale",
]
STATUS = {
    "S_LASTFR": "COMPLETE",
    "S_RESET": "COMPLETE",
    "S_LINEAR": "COMPLETE",
    "S_RSCD": "COMPLETE",
    "S_DARK": "COMPLETE",
    "S_RAMP": "COMPLETE",
    "S_MIREMI": "SKIPPED",
    "S_FRSTFR": "SKIPPED",
    "S_SUPERB": None,
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("miri")
    exposure = simulate.write_exposure(CONFIG, folder)
    return exposure, simulate.write_cache([CONFIG], folder / "cache", full_frame=False)


@pytest.fixture
def exposure(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with made[1].activated():
        yield made[0].path


def products():
    return sorted(path.name.rpartition("_")[2] for path in Path().glob("*.fits"))


def order_of(pipeline, path, **kwargs):
    heard = []
    with watch(heard.append):
        result = pipeline.call(path, configure_log=False, **kwargs)
    return result, [event.name for event in heard if isinstance(event, StepStarted)]


def test_uncal_to_rate(exposure, caplog):
    caplog.set_level(logging.WARNING, "gpipe")
    rate, order = order_of(Detector1Pipeline, exposure, save_results=True, save_calibrated_ramp=True)
    assert order == ORDER
    assert not [message for message in caplog.messages if "expects" in message]
    assert products() == ["ramp.fits", "rate.fits", "rateints.fits"]
    assert np.isfinite(rate.data).mean() > 0.9
    with fits.open(rate.meta.filename) as opened:
        header = opened[0].header
        assert {key: header.get(key) for key in STATUS} == STATUS
        assert header["R_RESET"].startswith("crds://jwst_miri_reset")
        assert header["R_RSCD"].startswith("crds://jwst_miri_rscd")
        assert header["INT1SKIP"] > 0
        assert header["INT2SKIP"] > 0


def test_the_first_and_the_last_groups_are_left_out(exposure):
    ramp = Detector1Pipeline.call(exposure, steps={"ramp_fit": {"skip": True}}, configure_log=False)
    skips = [ramp.meta.rscd.ngroups_skip_int1, *[ramp.meta.rscd.ngroups_skip_int2p] * 2]
    for integration, skip in enumerate(skips):
        left_out = np.all(ramp.groupdq[integration] & dq.DO_NOT_USE, axis=(1, 2))
        assert left_out.tolist() == [*[True] * skip, *[False] * (8 - skip), True]


def test_firstframe_when_asked_for(exposure, caplog):
    steps = {"firstframe": {"skip": False}, "rscd": {"skip": True}}
    ramp = DarkPipeline.call(exposure, steps=steps, configure_log=False)
    assert (ramp.meta.cal_step.firstframe, ramp.meta.cal_step.rscd) == ("COMPLETE", "SKIPPED")
    left_out = np.all(ramp.groupdq & dq.DO_NOT_USE, axis=(2, 3))
    assert left_out.tolist() == [[True, *[False] * 7, True]] * 3
    assert "Step firstframe is deprecated; the rscd step flags the first groups" in caplog.messages


def test_dark_pipeline(exposure):
    ramp, order = order_of(DarkPipeline, exposure, save_results=True)
    assert order == DARK_ORDER
    assert products() == ["dark.fits"]
    assert ramp.data.shape == (3, 9, 64, 72)


def test_the_model_of_charge_traps_is_not_for_miri(exposure, caplog):
    steps = {"persistence": {"skip": False, "algorithm": "trap_model"}}
    rate, order = order_of(Detector1Pipeline, exposure, steps=steps)
    assert order == ORDER
    assert rate.meta.cal_step.persistence == "SKIPPED"
    assert any(message.startswith("Step persistence skipped: no trapdensity") for message in caplog.messages)


def test_windows_of_persistence(exposure):
    steps = {"persistence": {"skip": False, "persistence_time": 30}}
    rate, order = order_of(Detector1Pipeline, exposure, steps=steps)
    assert order == ORDER
    assert rate.meta.cal_step.persistence == "COMPLETE"
