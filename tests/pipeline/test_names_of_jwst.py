"""Names that scripts and packages for jwst import or call: each is there, in the meaning that it has in jwst."""

import importlib
import logging
import subprocess
import sys

import numpy as np
import pytest
import stdatamodels.jwst.datamodels
from stdatamodels.jwst import datamodels

from gpipe.controller import Ref
from gpipe.exceptions import ParameterError, ReferenceFileError
from gpipe.jump import JumpStep
from gpipe.pipeline import Detector1Pipeline
from gpipe.pipeline.catalog import available
from gpipe.ramp_fitting import RampFitStep
from gpipe.stpipe import Pipeline, Step, query_step_status, record_step_status

MODULES = [
    ("step", "RampFitStep"),
    ("stpipe", "Step"),
    ("stpipe", "Pipeline"),
    ("datamodels", "open"),
    ("datamodels", "RampModel"),
    ("datamodels", "Level1bModel"),
    ("datamodels", "dqflags"),
    ("datamodels.dqflags", "pixel"),
    ("lib", "reffile_utils"),
    ("pipeline", "calwebb_detector1"),
    ("pipeline.calwebb_detector1", "Detector1Pipeline"),
]
OF_CLASSES = [
    "spec",
    "log",
    "process",
    "save_model",
    "get_config_from_reference",
    "get_reference_file",
    "make_output_path",
    "qualified_name",
    "class_alias",
    "reference_file_types",
    "prepare_output",
]


@pytest.mark.parametrize(("module", "name"), MODULES)
def test_modules_have_the_names(module, name):
    exec(f"from gpipe.{module} import {name}")


@pytest.mark.parametrize("name", OF_CLASSES)
@pytest.mark.parametrize("cls", [JumpStep, Detector1Pipeline, Step])
def test_classes_have_the_names(cls, name):
    assert hasattr(cls, name)


def test_models_and_flags_are_those_of_stdatamodels():
    from gpipe import datamodels as ours
    from gpipe.datamodels.dqflags import pixel

    assert ours.RampModel is stdatamodels.jwst.datamodels.RampModel
    assert ours.open is stdatamodels.jwst.datamodels.open
    assert ours.dqflags.pixel is pixel is stdatamodels.jwst.datamodels.dqflags.pixel
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ours.nothing  # noqa: B018
    with pytest.raises(ImportError, match=r"from jwst\.datamodels import ModelContainer"):
        exec("from gpipe.datamodels import ModelContainer")
    with pytest.raises(ImportError, match=r"from jwst\.step import TweakRegStep"):
        exec("from gpipe.step import TweakRegStep")


def test_they_cost_nothing_before_they_are_used():
    program = "import gpipe.datamodels, gpipe.stpipe, gpipe.step, sys; assert 'stdatamodels' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_all_steps_have_their_name_in_one_module():
    steps = importlib.import_module("gpipe.step")
    assert {entry.cls.__name__ for entry in available() if entry.kind == "step" and entry.cls} == set(steps.__all__)
    assert steps.RampFitStep is RampFitStep


def test_spec_declares_parameters_and_describes_them():
    class MyStep(Step):
        class_alias = "my_step"
        reference_file_types = ("gain",)
        spec = """
            # of the fit
            threshold = float(min=0, default=3.5) # sigma: of a jump
            count = integer(1, 10, default=2)
            mode = option('fast', 'slow', default='fast')
            edges = float_list(min=2, max=2, default=None)
            names = list(default=list('a', 'b'))
            on = boolean(default=True)
            text = string(default='none')
            skip = boolean(default=False)

            [nothing]
        """

    step = MyStep(threshold="4")
    assert (step.threshold, step.count, step.mode, step.edges, step.names) == (4.0, 2, "fast", None, ["a", "b"])
    assert (step.on, step.text, step.override_gain, step.name) == (True, "none", None, "my_step")
    assert MyStep.references == (Ref("gain", optional=True),)
    assert step.parameters()["threshold"].help == "sigma: of a jump"
    assert "threshold = float(" in MyStep.spec
    for name, wrong in {"threshold": -1, "count": 11, "mode": "other", "edges": [1.0]}.items():
        with pytest.raises(ParameterError, match=f"MyStep.{name}: found"):
            setattr(step, name, wrong)
    assert "rejection_threshold = float(default=4.0, min=0)  # Threshold of a jump" in JumpStep.spec
    assert Detector1Pipeline.spec.startswith("save_calibrated_ramp = boolean(default=False)")


def test_what_is_described_can_be_declared():
    for original in Detector1Pipeline.step_defs.values():
        copied = type(original.__name__, (Step,), {"spec": original.spec})
        assert copied.spec == original.spec
        made, known = copied.parameters(), original.parameters()
        for name in set(made) - set(Step.parameters()):
            assert made[name].default() == known[name].default(), name
            assert made[name].help == known[name].help.strip(), name


@pytest.mark.parametrize(
    "line",
    [
        "x",
        "x = float(default=1)\n[part]\ny = float(default=3)",
        "x = 3",
        "x = strange(default=3)",
        "x = float(default=3",
        "x = float(most=3)",
    ],
)
def test_a_spec_that_is_none(line):
    with pytest.raises(TypeError, match=r"Wrong\.spec: found '.*expected name = check"):
        type("Wrong", (Step,), {"spec": line})


def test_a_step_of_a_users_own(exposure, tmp_path):
    class MyStep(Step):
        class_alias = "my_step"
        spec = "shift = float(default=3.0)"
        reference_file_types = ("gain",)

        def process(self, input):
            with datamodels.open(input) as model:
                result = model.copy()
            self.gain = self.get_reference_file(result, "gain")
            result.data += self.shift
            self.log.info("shifted")
            record_step_status(result, "jump")
            return result

    step = MyStep(shift=2, save_results=True)
    ramp = step.run(exposure)
    with datamodels.open(exposure) as model:
        np.testing.assert_array_equal(ramp.data, model.data + np.float32(2))
    assert step.gain.endswith("_gain_0001.fits")
    assert ramp.meta.ref_file.gain.name.startswith("crds://")
    assert query_step_status(ramp, "jump") == "COMPLETE"
    assert [path.name for path in tmp_path.glob("*.fits")] == [exposure.name.replace("_uncal", "_my_step")]
    rate = Detector1Pipeline.call(exposure, configure_log=False)
    assert np.nanmax(MyStep.call(rate, shift=1, configure_log=False).data - rate.data) == pytest.approx(1, abs=1e-3)


def test_a_pipeline_of_a_users_own(exposure):
    class MyPipeline(Pipeline):
        step_defs = {"jump": JumpStep, "ramp_fit": RampFitStep}  # noqa: RUF012

        def process(self, input):
            rate, _ = self.ramp_fit.run(self.jump.run(input))
            return rate

    ramp = Detector1Pipeline.call(exposure, steps={"ramp_fit": {"skip": True}, "jump": {"skip": True}})
    rate = MyPipeline.call(ramp, steps={"jump": {"rejection_threshold": 5.0}}, configure_log=False)
    assert rate.meta.cal_step.jump == rate.meta.cal_step.ramp_fit == "COMPLETE"
    assert np.isfinite(rate.data).any()


def test_references_of_an_exposure(exposure, tmp_path):
    step = JumpStep()
    with datamodels.open(exposure) as model:
        assert step.get_reference_file(model, "gain").endswith("_gain_0001.fits")
        assert step.get_reference_file(exposure, "gain") == step.get_reference_file(model, "gain")
        step.override_gain = "N/A"
        assert step.get_reference_file(model, "gain") == "N/A"
        step.override_gain = str(tmp_path / "mine.fits")
        assert step.get_reference_file(model, "gain") == str(tmp_path / "mine.fits")
        gain = datamodels.GainModel()
        pipe = Detector1Pipeline(steps={"jump": {"override_gain": gain}})
        assert pipe.get_reference_file(model, "gain") is gain
        with pytest.raises(ReferenceFileError, match="nothing"):
            step.get_reference_file(model, "nothing")


def test_parameters_that_crds_recommends(exposure, monkeypatch):
    with datamodels.open(exposure) as model:
        found = Detector1Pipeline.get_config_from_reference(model)
        assert set(found["steps"]) == set(Detector1Pipeline.step_defs)
        same = Detector1Pipeline.get_config_from_reference(model.get_crds_parameters(), crds_observatory="jwst")
    assert found == same
    assert JumpStep.get_config_from_reference(exposure) == found["steps"]["jump"]
    assert JumpStep.get_config_from_reference(exposure, disable=True) == {}
    monkeypatch.setenv("STPIPE_DISABLE_CRDS_STEPPARS", "true")
    assert JumpStep.get_config_from_reference(exposure) == {}


def test_names_of_products(exposure, tmp_path):
    pipe = Detector1Pipeline(output_dir="there")
    assert pipe.make_output_path("x_uncal.fits", suffix="rate") == "there/x_rate.fits"
    assert pipe.jump.make_output_path("x_uncal.fits", slit="s1", ext="asdf") == "there/x_s1_jump.asdf"
    assert JumpStep().make_output_path() == "step_jump.fits"
    assert JumpStep().make_output_path("x_uncal.fits", suffix=False) == "x_uncal.fits"
    with datamodels.open(exposure) as model:
        assert JumpStep().save_model(model, "mine") is None
        path = JumpStep().save_model(model, "mine", force=True)
        assert path == exposure.name.replace("uncal", "mine")
        assert JumpStep(save_results=True).save_model(model) == exposure.name.replace("uncal", "mine_jump")
        assert JumpStep().save_model(model, output_file="other.fits") == "other_jump.fits"
    assert len(list(tmp_path.glob("*.fits"))) == 3


def test_names_of_loggers():
    pipe = Detector1Pipeline()
    assert (pipe.qualified_name, pipe.jump.qualified_name) == (
        "gpipe.Detector1Pipeline",
        "gpipe.Detector1Pipeline.jump",
    )
    assert pipe.jump.log is logging.getLogger("gpipe.Detector1Pipeline.jump")


def test_status_of_steps():
    models = [datamodels.RampModel(), datamodels.RampModel()]
    assert query_step_status(models, "jump") == "NOT SET"
    record_step_status(models, "jump", success=False)
    assert [query_step_status(model, "jump") for model in models] == ["FAILED", "FAILED"]
    with pytest.raises(ParameterError, match="found 'DONE', expected COMPLETE, SKIPPED, FAILED"):
        record_step_status(models, "jump", status="DONE")
