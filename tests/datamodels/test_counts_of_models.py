"""Ramps that do not say what their arrays hold, and names that the installed schemas do not know."""

import logging
import os

import numpy as np
import pytest
from astropy.io import fits
from stdatamodels.jwst import datamodels

from gpipe.datamodels import Ramp, Rate, crds_parameters, open_exposure, read_header, to_model, write
from gpipe.exceptions import InputError
from gpipe.group_scale import GroupScaleStep


@pytest.fixture
def ramp(uncal_path):
    with datamodels.RampModel(str(uncal_path)) as model:
        model.meta.exposure.frame_divisor = 4  # there is something to do for group_scale
        yield model


# --- ramps that were cut in Python ----------------------------------------------------------------------------------


@pytest.mark.parametrize("corrected", [True, False])
def test_groups_cut_in_python_are_calibrated(corrected, ramp, caplog):
    whole = ramp.data.copy()
    ramp.data = ramp.data[:, :3]
    if corrected:
        ramp.meta.exposure.ngroups = 3
    result = GroupScaleStep.call(ramp)
    np.testing.assert_array_equal(result.data, whole[:, :3] / 2)
    assert result.meta.exposure.ngroups == 3
    assert not result.groupdq.any()
    assert result.groupdq.shape == (2, 3, 16, 12)
    told = "found 5 for meta.exposure.ngroups; 3 is used, as in the science array"
    assert any(told in message for message in caplog.messages) is not corrected
    assert ramp.meta.exposure.ngroups == (3 if corrected else 5)


@pytest.mark.parametrize("corrected", [True, False])
def test_integrations_cut_in_python_are_calibrated(corrected, ramp):
    whole = ramp.data.copy()
    ramp.data, ramp.zeroframe = ramp.data[:1], ramp.zeroframe[:1]
    if corrected:
        ramp.meta.exposure.nints = 1
    result = GroupScaleStep.call(ramp)
    np.testing.assert_array_equal(result.data, whole[:1] / 2)
    settings = result.meta.exposure
    assert (settings.nints, settings.integration_start, settings.integration_end) == (1, 1, 1)


def test_a_segment_that_was_cut_is_still_one_of_its_exposure(ramp, backend):
    ramp.meta.exposure.instance.update(nints=100, integration_start=31, integration_end=32)
    ramp.data, ramp.zeroframe = ramp.data[:1], ramp.zeroframe[:1]
    settings = open_exposure(ramp, backend).meta.exposure
    assert (settings.nints, settings.integration_start, settings.integration_end) == (100, 31, 31)


def test_flags_that_are_set_must_be_cut_too(ramp):
    ramp.groupdq[0, 4] = 2
    ramp.data = ramp.data[:, :3]
    expected = r"found groupdq of shape \(2, 5, 16, 12\); expected \(2, 3, 16, 12\) beside .* \(cut it as the science"
    with pytest.raises(InputError, match=expected):
        read_header(ramp)


def test_a_zeroframe_must_be_cut_too(ramp):
    ramp.data = ramp.data[:1]
    with pytest.raises(
        InputError, match=r"found zeroframe of shape \(2, 16, 12\).*cut it as the science array was cut"
    ):
        read_header(ramp)


@pytest.mark.parametrize("last", [0, 1, 2])
def test_integrations_of_a_model_that_are_counted_from_zero_are_counted_anew_and_told(last, ramp, caplog):
    ramp.meta.exposure.instance.update(integration_start=0, integration_end=last)
    settings = read_header(ramp).meta.exposure
    assert (settings.integration_start, settings.integration_end) == (1, 2)
    assert "found 0 for meta.exposure.integration_start; 1 is used" in caplog.text


@pytest.mark.parametrize(("last", "is_read"), [(1, True), (2, False)])
def test_integrations_of_a_file_that_are_counted_from_zero(last, is_read, uncal_path):
    with fits.open(uncal_path, mode="update") as hdus:
        hdus[0].header.update(INTSTART=0, INTEND=last)
        del hdus["ASDF"]
    if is_read:
        assert read_header(uncal_path).meta.exposure.integration_end == 2
        return
    with pytest.raises(
        InputError, match=r"found 0 for meta\.exposure\.integration_start; expected an integer of at lea"
    ):
        read_header(uncal_path)


def test_a_reference_output_that_was_not_cut_is_left_out_and_told(ramp, caplog):
    ramp.refout = np.zeros((2, 5, 16, 3), np.float32)
    assert read_header(ramp).left_out == ()
    ramp.data, ramp.zeroframe = ramp.data[:, :, :8, :8], ramp.zeroframe[:, :8, :8]
    ramp.meta.subarray.xsize = ramp.meta.subarray.ysize = 8
    result = GroupScaleStep.call(ramp)
    assert result.data.shape == (2, 5, 8, 8)
    assert not result.hasattr("refout")
    assert ramp.refout.shape == (2, 5, 16, 3)
    assert "found refout of shape (2, 5, 16, 3)" in caplog.text


@pytest.mark.parametrize("keyword", ["NINTS", "NGROUPS"])
def test_a_missing_count_is_that_of_the_array(keyword, uncal_path, caplog):
    with fits.open(uncal_path, mode="update") as hdus:
        del hdus[0].header[keyword], hdus["ASDF"]
    settings = read_header(uncal_path).meta.exposure
    assert (settings.nints, settings.ngroups) == (2, 5)
    assert f"found nothing for meta.exposure.{keyword.lower()}" in caplog.text


# --- values that the schemas refuse ---------------------------------------------------------------------------------


def with_keyword(path, keyword, value):
    with fits.open(path, mode="update") as hdus:
        hdus[0].header[keyword] = value
        del hdus["ASDF"]
    return path


@pytest.mark.parametrize(
    ("keyword", "place"),
    [("EXP_TYPE", "exposure.type"), ("SUBARRAY", "subarray.name"), ("READPATT", "exposure.readpatt")],
)
def test_names_of_new_modes_are_kept_and_written(keyword, place, uncal_path, tmp_path, backend, caplog):
    path = with_keyword(uncal_path, keyword, "NRC_NEWMODE")
    exposure = open_exposure(path, backend)
    assert crds_parameters(read_header(path))[f"meta.{place}"] == "NRC_NEWMODE"
    assert f"found 'NRC_NEWMODE' for meta.{place}, unknown to the installed schemas" in caplog.text
    model = to_model(exposure)
    for name in ("x_ramp.fits", "y_ramp.fits"):
        write(model, tmp_path / name) if name.startswith("x") else model.save(tmp_path / name)
        assert fits.getval(tmp_path / name, keyword) == "NRC_NEWMODE"


def test_a_rate_of_a_new_mode_is_written_as_well(uncal_path, tmp_path, backend):
    ramp = open_exposure(with_keyword(uncal_path, "SUBARRAY", "SUBNEW"), backend)
    planes = {name: np.ones((16, 12), np.float32) for name in ("data", "err", "var_poisson", "var_rnoise")}
    rate = Rate(ramp.header, backend, dq=np.zeros((16, 12), np.uint32), **planes)
    write(to_model(rate), tmp_path / "x_rate.fits")
    assert fits.getval(tmp_path / "x_rate.fits", "SUBARRAY") == "SUBNEW"


def test_a_model_that_is_returned_still_checks_other_values(uncal_path, backend):
    model = to_model(open_exposure(with_keyword(uncal_path, "SUBARRAY", "SUBNEW"), backend))
    with pytest.warns(Warning, match="NONSENSE"):
        model.meta.exposure.type = "NONSENSE"


@pytest.mark.parametrize(
    ("keyword", "value", "found"),
    [
        ("NGROUPS", "5", "found '5' for meta.exposure.ngroups; expected a finite number"),
        ("NINTS", True, "found True for meta.exposure.nints; expected a finite number"),
        ("NGROUPS", 5.5, "found 5.5 for meta.exposure.ngroups; expected an integer of at least 1"),
        ("EXP_TYPE", 7, "found 7 for meta.exposure.type; expected a name"),
        ("TFRAME", "NaN", "found 'NaN' for meta.exposure.frame_time; expected a finite number"),
        ("INSTRUME", "WFC3", "found 'WFC3' for meta.instrument.name; expected one of JWST's instruments"),
        ("FRMDIVSR", 0, "found 0 for meta.exposure.frame_divisor; expected an integer of at least 1"),
        ("FRMDIVSR", -8, "found -8 for meta.exposure.frame_divisor; expected an integer of at least 1"),
        ("NFRAMES", 20000, "found 20000 for meta.exposure.nframes; expected an integer from 1 to 256"),
        ("GAINFACT", 0.0, "found 0.0 for meta.exposure.gain_factor; expected a positive number"),
    ],
)
def test_a_value_that_is_refused_is_named(keyword, value, found, uncal_path):
    with pytest.raises(InputError, match=f"^{uncal_path}: {found}"):
        read_header(with_keyword(uncal_path, keyword, value))


def test_a_whole_number_may_have_a_point(uncal_path, tmp_path, backend):
    exposure = open_exposure(with_keyword(uncal_path, "NGROUPS", 5.0), backend)
    assert repr(exposure.meta.exposure.ngroups) == "5"
    write(to_model(exposure), tmp_path / "x_ramp.fits")
    assert repr(fits.getval(tmp_path / "x_ramp.fits", "NGROUPS")) == "5"


# --- models and paths -----------------------------------------------------------------------------------------------


def test_a_model_of_the_general_class_is_what_its_arrays_are(ramp, uncal_path):
    result = GroupScaleStep.call(datamodels.JwstDataModel(ramp))
    assert type(result) is datamodels.RampModel
    np.testing.assert_array_equal(result.data, ramp.data / 2)


@pytest.mark.parametrize(("shape", "name"), [((16, 12), "ImageModel"), ((2, 16, 12), "CubeModel")])
def test_rates_in_the_general_class_are_rates(shape, name, ramp):
    model = getattr(datamodels, name)(np.ones(shape, np.float32))
    model.update(ramp)
    for plane in ("dq", "err", "var_poisson", "var_rnoise"):
        setattr(model, plane, np.zeros(shape, np.uint32 if plane == "dq" else np.float32))
    header = read_header(datamodels.JwstDataModel(model))
    assert header.kind is Rate
    assert type(header.model).__name__ == name


def test_a_class_that_a_user_derives_counts_as_its_base(ramp):
    class MyRampModel(datamodels.RampModel):
        """A user's."""

    assert read_header(MyRampModel(ramp)).kind is Ramp


@pytest.mark.parametrize("path", ["~/jw00001_uncal.fits", "$HOME/jw00001_uncal.fits"])
def test_paths_of_exposures_are_expanded_as_all_others(path, uncal_path, monkeypatch, caplog):
    monkeypatch.setenv("HOME", str(uncal_path.parent))
    caplog.set_level(logging.INFO)
    assert read_header(path).name == str(uncal_path)
    GroupScaleStep.call(path, output_dir="~/out")
    assert os.listdir(uncal_path.parent / "out") == ["jw00001_group_scale.fits"]
