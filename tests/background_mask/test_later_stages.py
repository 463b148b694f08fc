import logging
import warnings
from dataclasses import replace

import numpy as np
import pytest
from helpers.jwst_stubs import CrdsError, MSAFileError, NoDataOnDetectorError, Peer, install
from helpers.nirspec_wcs import behind_slits
from stdatamodels.jwst import datamodels

import gpipe.backends
from gpipe import dq
from gpipe.background_mask.later_stages_exposure import (
    NoAnswer,
    NothingOnDetector,
    light_curve,
    require,
    soss_scene,
    with_wcs,
)
from gpipe.datamodels import Ramp, Rate
from gpipe.exceptions import InputError, OutputError, ParameterError, ReferenceFileError

SHAPE = (6, 8)
NUMPY = gpipe.backends.get("numpy")
WCS = behind_slits({1: ((1, 4), (2, 5))})


def header(kind, exp_type="NRS_MSASPEC", subarray="FULL"):
    model = kind()
    model.meta.filename, model.meta.exposure.type = "jw1_ramp.fits", exp_type
    model.meta.instrument.name, model.meta.subarray.name = "NIRSPEC", subarray
    return model


def count_rate(integrations=2, **described):
    data = np.arange(integrations * SHAPE[0] * SHAPE[1], dtype=np.float32).reshape(integrations, *SHAPE)
    plane = np.ones_like(data)
    flags = np.zeros(data.shape, np.uint32)
    head = header(datamodels.RampModel, **described)
    return Rate(head, NUMPY, data=data, dq=flags, err=plane, var_poisson=plane, var_rnoise=plane)


def ramp(integrations=2, **described):
    data = np.ones((integrations, 3, *SHAPE), np.float32)
    flags = {"groupdq": np.zeros(data.shape, np.uint8), "pixeldq": np.zeros(SHAPE, np.uint32)}
    return Ramp(header(datamodels.RampModel, **described), NUMPY, data=data, **flags)


@pytest.mark.parametrize(
    ("version", "lacking"),
    [(None, "it is not installed"), ("1.20.2", "version 1.20.2 is too old"), ("2.0.0", "too old")],
)
def test_without_jwst_it_is_told_what_to_install_and_what_else_to_do(monkeypatch, version, lacking):
    install(monkeypatch, version)
    with pytest.raises(ParameterError, match=lacking) as raised:
        require("picture_frame.mask_science_regions", "True, but jw1_ramp.fits has no WCS", "False")
    message = str(raised.value)
    assert message.startswith("picture_frame.mask_science_regions: found True, but jw1_ramp.fits has no WCS, for which")
    assert message.endswith("(install jwst>=3.0); expected False")


@pytest.mark.parametrize("version", ["3.0.0", "3.1.0.dev2+gabcdef", "10.0"])
def test_with_jwst_all_is_well(monkeypatch, version):
    install(monkeypatch, version)
    require("a.b", "True", "False")


def test_a_wcs_and_flags_come_from_jwst_and_the_rates_stay_as_they_are(monkeypatch):
    opened = np.zeros(SHAPE, bool)
    opened[3] = True
    peer, rates = Peer(monkeypatch, wcs=WCS, opened=opened), count_rate()
    found = with_wcs(rates, flag_open=True, folder="beside")
    assert [(asked.name, asked.folder) for asked in peer.asked] == [("assign_wcs", "beside"), ("msaflagopen", "beside")]
    assert found.meta.wcs.get_transform("gwa", "slit_frame").slit_ids == [1]
    np.testing.assert_array_equal(found.dq, np.broadcast_to(opened * np.uint32(dq.MSA_FAILED_OPEN), rates.dq.shape))
    assert found.data is rates.data
    assert not rates.dq.any()
    assert getattr(rates.meta, "wcs", None) is None
    assert type(rates.header) is datamodels.RampModel


def test_shutters_are_left_alone_unless_wanted(monkeypatch):
    peer = Peer(monkeypatch, wcs=WCS, opened=np.ones(SHAPE, bool))
    assert not with_wcs(count_rate(), flag_open=False, folder="").dq.any()
    assert peer.names == ["assign_wcs"]


def test_jwst_is_asked_only_for_what_is_not_there(monkeypatch):
    peer = Peer(monkeypatch, wcs=WCS, opened=np.ones(SHAPE, bool))
    rates = replace(count_rate(), header=header(datamodels.CubeModel))
    rates.meta.wcs = WCS
    assert with_wcs(rates, flag_open=False, folder="") is rates
    assert with_wcs(rates, flag_open=True, folder="").dq.all()
    assert peer.names == ["msaflagopen"]
    rates.meta.cal_step.msa_flagging = "COMPLETE"
    assert with_wcs(rates, flag_open=True, folder="") is rates


@pytest.mark.parametrize(
    ("failure", "error", "said"),
    [
        (NoDataOnDetectorError("No open slits\nfall on NRS2"), NothingOnDetector, "^No open slits fall on NRS2$"),
        (MSAFileError("Missing file"), NoAnswer, "^MSA metadata file: Missing file$"),
        (None, InputError, "^jw1_ramp.fits: jwst's assign_wcs makes no WCS for NRS_MSASPEC$"),
        (KeyError("gwa\ntilt"), InputError, "^jw1_ramp.fits: jwst was asked for a WCS and failed: KeyError: "),
        (CrdsError("no camera"), ReferenceFileError, "asked for a WCS and failed: CrdsError: no camera$"),
        (OutputError("disk full"), OutputError, "^disk full$"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_goes_wrong_is_one_line(monkeypatch, failure, error, said):
    Peer(monkeypatch, wcs=failure)
    with pytest.raises(error, match=said) as raised:
        with_wcs(count_rate(), flag_open=False, folder="")
    assert type(raised.value) is error
    assert "\n" not in str(raised.value)


def test_warnings_of_jwst_are_heard_through_gpipe_once(monkeypatch, caplog):
    Peer(monkeypatch, wcs=WCS)
    caplog.set_level(logging.INFO)
    heard = []
    handler = logging.Handler()
    handler.emit = lambda record: heard.append(record.getMessage())
    logging.getLogger("gpipe").addHandler(handler)
    try:
        with_wcs(count_rate(), flag_open=False, folder="")
    finally:
        logging.getLogger("gpipe").removeHandler(handler)
    assert heard == ["Calling jwst 3.0.0 for a WCS, on the host", "worth knowing"]
    assert caplog.messages == heard
    peer_log = logging.getLogger("jwst")
    assert (peer_log.handlers, peer_log.level, peer_log.propagate) == ([], logging.NOTSET, True)


@pytest.mark.parametrize("logged", [True, False])
def test_python_warnings_are_logged_afterwards_if_they_were_before(monkeypatch, logged):
    Peer(monkeypatch, scene=scaled)
    before = warnings.showwarning
    logging.captureWarnings(logged)
    during = warnings.showwarning
    try:
        light_curve(count_rate())
        assert warnings.showwarning is during
    finally:
        logging.captureWarnings(False)
    assert warnings.showwarning is before


def scaled(model, rates, factor=(1, 3)):
    """Scale the median of all integrations to the flux of each, as jwst does."""
    return np.reshape(factor, (-1, *(1,) * (model.data.ndim - 1))) * np.median(model.data, axis=0).astype(float)


def test_light_is_the_factor_by_which_jwst_scales_a_median(monkeypatch):
    peer, rates = Peer(monkeypatch, scene=scaled), count_rate()
    rates.meta.wcs = WCS
    found = light_curve(rates)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [1, 3])
    asked = peer.asked[0]
    assert (type(asked.model), type(asked.rates)) == (datamodels.RampModel, datamodels.CubeModel)
    np.testing.assert_array_equal(asked.rates.data, rates.data)
    assert asked.model.meta.exposure.type == "NRS_MSASPEC"
    assert asked.rates.meta.wcs.available_frames == WCS.available_frames


SOSS = {"exp_type": "NIS_SOSS", "subarray": "SUBSTRIP96"}


@pytest.mark.parametrize("make", [ramp, count_rate])
def test_the_scene_of_soss_is_that_of_jwst(monkeypatch, make):
    peer, exposure, rates = Peer(monkeypatch, scene=scaled), make(**SOSS), count_rate(**SOSS)
    found = soss_scene(exposure, rates, "traces")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, scaled(exposure, rates))
    asked = peer.asked[0]
    assert (asked.model is asked.rates) is (make is count_rate)
    assert asked.pastasoss == "traces"


def test_light_of_soss_is_measured_in_some_subarrays(monkeypatch):
    Peer(monkeypatch, scene=scaled)
    elsewhere = SOSS | {"subarray": "FULL"}
    with pytest.raises(NoAnswer, match="not measured in subarray FULL, expected SUBSTRIP256, SUBSTRIP96"):
        soss_scene(ramp(**elsewhere), count_rate(**elsewhere), "traces")


def test_without_light_there_is_no_answer(monkeypatch):
    Peer(monkeypatch, scene=ValueError("No valid flux\nfor scaling"))
    with pytest.raises(NoAnswer, match=r"^no median image: No valid flux for scaling$"):
        light_curve(count_rate())
