import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from stdatamodels.jwst.datamodels import RampModel

import gpipe.backends
from gpipe.associations import asn_from_list
from gpipe.controller import StepStarted, watch
from gpipe.datamodels import Rate, open_exposure
from gpipe.exceptions import InputError, OutputError
from gpipe.pipeline import Detector1Pipeline

NIR_ORDER = [
    "group_scale",
    "dq_init",
    "saturation",
    "ipc",
    "superbias",
    "refpix",
    "linearity",
    "dark_current",
    "charge_migration",
    "jump",
    "picture_frame",
    "clean_flicker_noise",
    "persistence",
    "ramp_fit",
    "gain_scale",
]
STATUS = {
    "S_DQINIT": "COMPLETE",
    "S_SATURA": "COMPLETE",
    "S_SUPERB": "COMPLETE",
    "S_REFPIX": "COMPLETE",
    "S_LINEAR": "COMPLETE",
    "S_DARK": "COMPLETE",
    "S_JUMP": "COMPLETE",
    "S_RAMP": "COMPLETE",
    "S_CHGMIG": "SKIPPED",
    "S_PCTFRM": "SKIPPED",
    "S_CLNFNS": "SKIPPED",
    "S_PERSIS": "SKIPPED",
}


def call(path, **kwargs):
    return Detector1Pipeline.call(path, configure_log=False, **kwargs)


def files():
    return sorted(str(f) for f in Path().rglob("*.fits"))


def base(path):
    return path.name.removesuffix("_uncal.fits")


def test_uncal_to_rate_products(exposure):
    heard = []
    with watch(heard.append):
        rate = call(exposure, output_dir="calibrated")
    assert [event.name for event in heard if isinstance(event, StepStarted)] == NIR_ORDER
    assert files() == [f"calibrated/{base(exposure)}_{suffix}.fits" for suffix in ("rate", "rateints")]
    assert type(rate).__name__ == "ImageModel"
    assert np.isfinite(rate.data).mean() > 0.9
    for name, shape in zip(files(), (rate.data.shape, (2, *rate.data.shape)), strict=True):
        with fits.open(name) as opened:
            header = opened[0].header
            assert opened["SCI"].data.shape == shape
            assert {key: header.get(key) for key in STATUS} == STATUS
            assert header["R_SUPERB"].startswith("crds://")
            assert header["CRDS_CTX"].endswith(".pmap")
            assert header["CAL_VER"].startswith("gpipe ")
            assert "S_RSCD" not in header


def test_nothing_is_written_unless_asked(exposure):
    call(exposure)
    assert files() == []


def test_the_calibrated_ramp(exposure):
    call(exposure, save_calibrated_ramp=True)
    assert files() == [f"{base(exposure)}_ramp.fits"]
    with fits.open(files()[0]) as opened:
        assert opened["SCI"].data.ndim == 4
        assert opened[0].header["S_JUMP"] == "COMPLETE"


@pytest.mark.parametrize("save_calibrated_ramp", [False, True])
def test_without_a_fit_the_ramp_is_the_result(exposure, save_calibrated_ramp):
    steps = {"ramp_fit": {"skip": True}}
    result = call(exposure, save_results=True, save_calibrated_ramp=save_calibrated_ramp, steps=steps)
    assert files() == [f"{base(exposure)}_ramp.fits"]
    assert result.data.ndim == 4
    assert result.meta.cal_step.ramp_fit == result.meta.cal_step.gain_scale == "SKIPPED"


def test_a_ramp_gives_a_rate_in_flight(exposure):
    ramp = open_exposure(exposure, gpipe.backends.get("numpy"))
    rate = Detector1Pipeline().run(ramp)
    assert isinstance(rate, Rate)
    assert np.array_equal(rate.data, call(exposure).data, equal_nan=True)


def test_path_and_open_model_give_the_same(exposure):
    from stdatamodels.jwst import datamodels

    with datamodels.open(exposure) as model:
        from_model = call(model)
    np.testing.assert_array_equal(from_model.data, call(str(exposure)).data)


# --- parameter files --------------------------------------------------------------------------------------------------


def test_an_association_gives_the_rate_of_each_product(exposure):
    source = asn_from_list([exposure], "DMSLevel2bBase")
    source["products"].append({"name": "other", "members": source["products"][0]["members"]})
    results = Detector1Pipeline.call(source, output_dir="out")
    alone = Detector1Pipeline.call(exposure)
    base = exposure.name.removesuffix("_uncal.fits")
    for result, name in zip(results, [base, "other"], strict=True):
        np.testing.assert_array_equal(result.data, alone.data)
        assert fits.getval(f"out/{name}_rate.fits", "ASNTABLE") == "singleton"
        assert Path(f"out/{name}_rateints.fits").exists()


def test_a_file_with_all_parameters_of_jwst_loads_and_ours_reads_back(tmp_path):
    theirs = pytest.importorskip("jwst.pipeline").Detector1Pipeline()
    theirs.jump.rejection_threshold = 7.0
    theirs.export_config(tmp_path / "theirs.asdf")
    pipe = Detector1Pipeline.from_config_file(tmp_path / "theirs.asdf")
    assert pipe.jump.rejection_threshold == 7.0
    pipe.export_config(tmp_path / "ours.asdf")
    assert Detector1Pipeline.from_config_file(tmp_path / "ours.asdf").get_pars() == pipe.get_pars()


# --- what is refused ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exp_type", ["FGS_FINEGUIDE", "FGS_ID-STACK"])
def test_guide_exposures_are_refused(exp_type):
    meta = RampModel().meta
    meta.instrument.name, meta.exposure.type = "FGS", exp_type
    with pytest.raises(InputError, match=rf"found a guide exposure \({exp_type}\)"):
        Detector1Pipeline().order(meta)


def test_a_rate_is_refused(exposure):
    call(exposure, save_results=True)
    with pytest.raises(InputError, match="expected a ramp"):
        call(f"{base(exposure)}_rate.fits")


@pytest.mark.parametrize("name", ["Spec2Pipeline", "Image3Pipeline"])
def test_later_stages_belong_to_jwst(name):
    with pytest.raises(
        ImportError, match=f"stage 1, and images in stage 2; other .*: from jwst.pipeline import {name}"
    ):
        exec(f"from gpipe.pipeline import {name}")


def test_no_such_pipeline():
    with pytest.raises(ImportError, match="did you mean 'Detector1Pipeline'"):
        exec("from gpipe.pipeline import Detector2Pipeline")


def test_suffix_is_that_of_the_results(exposure):
    """Rates of integrations have ``ints`` after it; the ramp before the fit and side products keep their suffix."""
    rate = call(
        exposure, save_results=True, suffix="mine", save_calibrated_ramp=True, steps={"ramp_fit": {"save_opt": True}}
    )
    assert files() == [f"{base(exposure)}_{suffix}.fits" for suffix in ("fitopt", "mine", "mineints", "ramp")]
    assert rate.meta.filename == f"{base(exposure)}_mine.fits"
    assert [fits.getval(name, "NAXIS", "SCI") for name in files()[1:3]] == [2, 3]


def test_suffix_is_that_of_a_ramp_without_a_fit(exposure):
    call(exposure, save_results=True, suffix="mine", steps={"ramp_fit": {"skip": True}})
    assert files() == [f"{base(exposure)}_mine.fits"]


@pytest.mark.parametrize(
    ("steps", "name"),
    [
        ({"dark_current": {"dark_output": "sub/mydark.fits"}}, "sub/mydark.fits"),
        ({"ramp_fit": {"save_opt": True, "opt_name": "opt"}}, r"opt_\*.fits"),
    ],
)
def test_a_file_with_one_name_for_a_list_is_refused_before_work(steps, name, exposure):
    shutil.copy(exposure, "other_uncal.fits")
    with (
        watch(pytest.fail),
        pytest.raises(OutputError, match=f"{name}: found as the name of a product of .*other_uncal"),
    ):
        call([exposure, "other_uncal.fits"], steps=steps)
    assert files() == ["other_uncal.fits"]
