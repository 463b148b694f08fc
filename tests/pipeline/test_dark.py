import importlib
from pathlib import Path

import pytest
from astropy.io import fits
from stdatamodels.jwst.datamodels import RampModel

from gpipe.controller import StepStarted, watch
from gpipe.exceptions import InputError
from gpipe.pipeline import DarkPipeline

ORDER = ["group_scale", "dq_init", "saturation", "ipc", "superbias", "refpix", "linearity"]


def names(**asked):
    return sorted(p.name.rpartition("_")[2] for p in Path(asked.get("folder", ".")).glob("*.fits"))


def test_the_product_is_the_ramp_with_its_dark_signal(exposure):
    seen = []
    with watch(seen.append):
        dark = DarkPipeline.call(exposure, save_results=True, configure_log=False)
    assert [event.name for event in seen if isinstance(event, StepStarted)] == ORDER
    assert isinstance(dark, RampModel)
    assert names() == ["dark.fits"]
    with fits.open(dark.meta.filename) as opened:
        header = opened[0].header
        assert opened["SCI"].data.shape == dark.data.shape == (2, 5, 64, 64)
    assert (header["S_LINEAR"], header["S_REFPIX"]) == ("COMPLETE", "COMPLETE")
    assert not {"S_DARK", "S_JUMP", "S_RAMP", "R_DARK"} & set(header)


def test_parameters_of_its_steps_and_products_on_the_way(exposure):
    steps = {"linearity": {"skip": True}, "superbias": {"save_results": True}}
    dark = DarkPipeline.call(exposure, output_dir="out", steps=steps, configure_log=False)
    assert dark.meta.cal_step.linearity == "SKIPPED"
    assert names(folder="out") == ["dark.fits", "superbias.fits"]


def test_another_suffix(exposure):
    DarkPipeline.call(exposure, save_results=True, suffix="mydark", configure_log=False)
    assert names() == ["mydark.fits"]


def test_what_it_does_not_calibrate():
    meta = RampModel().meta
    meta.instrument.name, meta.exposure.type = "FGS", "FGS_ID-STACK"
    with pytest.raises(InputError, match="a guide exposure"):
        DarkPipeline().order(meta)


def test_the_module_of_jwst_has_it():
    assert importlib.import_module("gpipe.pipeline.calwebb_dark").DarkPipeline is DarkPipeline
    assert DarkPipeline.alias == "calwebb_dark"
