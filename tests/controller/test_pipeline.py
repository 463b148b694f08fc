import logging
from typing import ClassVar

import numpy as np
import pytest
from helpers.small_cache import write_reference
from helpers.stub_steps import AddStep, GainStep, RatePipeline, StubPipeline, TimesStep, uncal

from gpipe.controller import Block, Pipeline, Ref, watch
from gpipe.exceptions import OutputError, ParameterError, ReferenceFileError
from gpipe.pipeline import Detector1Pipeline


def written(folder):
    return sorted(str(f.relative_to(folder)) for f in folder.rglob("*.fits") if f.name != "jw01_uncal.fits")


def test_steps_are_attributes_that_can_be_set():
    pipe = StubPipeline()
    pipe.add.amount = "12"
    assert pipe.add.amount == 12.0
    assert str(pipe.add.origin("amount")) == "attribute"
    assert (pipe.add.parent, pipe.add.name) == (pipe, "add")


def test_parameters_of_steps_by_name_as_in_jwst():
    steps = Detector1Pipeline().steps
    assert (steps["jump"]["skip"], steps["persistence"]["skip"]) == (False, True)
    with pytest.raises(ParameterError, match="jump: unknown name 'skp'; did you mean 'skip'"):
        steps["jump"]["skp"]


def test_attributes_set_on_steps_are_used_by_run_and_stay(model):
    pipe = StubPipeline()
    pipe.add.amount = 5
    pipe.times.skip = True
    assert [float(pipe.run(model).data[0, 0, 0, 0]) for _ in range(2)] == [15, 15]


def test_a_step_cannot_be_replaced():
    with pytest.raises(ParameterError, match="a step cannot be replaced"):
        StubPipeline().add = AddStep()


def test_no_such_step():
    with pytest.raises(AttributeError, match="StubPipeline has no step or parameter 'ad'"):
        _ = StubPipeline().ad


def test_a_parameter_of_a_step_given_to_the_pipeline_says_where_it_belongs():
    with pytest.raises(ParameterError, match=r"steps=\{'add': \{'amount': \.\.\.\}\}"):
        StubPipeline(amount=3)


def test_parameters_of_all_steps(model):
    pars = StubPipeline(steps={"times": {"factor": 4}}).get_pars(full_spec=False)
    assert pars["steps"]["times"] == {"factor": 4.0, "extra": False}
    assert "times.factor = 4.0 (keyword): " in StubPipeline(steps={"times": {"factor": 4}}).describe().splitlines()


def test_steps_run_in_the_order_that_the_exposure_decides(model):
    class Either(StubPipeline):
        def order(self, meta):
            return ("times", "add") if meta.exposure.ngroups == 4 else ("add",)

    assert np.all(Either.call(model).data == 21)
    assert np.all(Either.call(uncal((1, 5, 8, 8))).data == 11)


def test_only_steps_in_the_order_read_crds_parameters(model, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "gpipe.controller.references.resolution.find_parameter_file", lambda t, crds_parameters: asked.append(t)
    )

    class Short(StubPipeline):
        def order(self, meta):
            return ("add",)

    Short.call(model)
    assert asked == ["pars-addstep", "pars-short"]


def test_a_skipped_step_says_so_in_its_own_slot(model):
    result = StubPipeline.call(model, steps={"times": {"skip": True}})
    assert result.meta.cal_step.dark_sub == "SKIPPED"
    assert result.meta.calibration_software_version.startswith("gpipe ")
    assert result.meta.ref_file.crds.context_used is None


def test_a_substep_runs_by_itself(model):
    pipe = StubPipeline(steps={"times": {"factor": 3}})
    result = pipe.times.run(model)
    assert np.all(result.data == 30)
    assert np.all(model.data == 10)


def test_skip_on_a_pipeline_has_no_effect_and_says_so(model, caplog):
    assert np.all(StubPipeline(skip=True).run(model).data == 22)
    assert "stub_pipeline: skip has no effect on a pipeline" in caplog.messages


def test_hooks_of_a_pipeline_run_once_around_it(model):
    heard = []
    StubPipeline.call(
        model,
        pre_hooks=[lambda m: heard.append(float(m.data.max()))],
        post_hooks=[lambda m: heard.append(float(m.data.max()))],
    )
    assert heard == [10, 22]


# --- products -------------------------------------------------------------------------------------------------------


def test_nothing_is_written_unless_asked(path, tmp_path):
    StubPipeline.call(path)
    assert written(tmp_path) == []


@pytest.mark.parametrize(
    ("asked", "files"),
    [
        ({"save_results": True}, ["jw01_stub_pipeline.fits"]),
        ({"output_file": "mine"}, ["mine_stub_pipeline.fits"]),
        ({"output_dir": "out"}, ["out/jw01_stub_pipeline.fits"]),
        ({"output_file": "out/mine.fits"}, ["out/mine_stub_pipeline.fits"]),
        ({"save_ramp": True}, ["jw01_ramp.fits"]),
        ({"steps": {"add": {"save_results": True}}}, ["jw01_add.fits"]),
        ({"steps": {"add": {"output_file": "first"}}}, ["first_add.fits"]),
        ({"steps": {"add": {"output_dir": "steps"}}}, ["steps/jw01_add.fits"]),
        ({"steps": {"times": {"extra": True}}}, ["jw01_fitopt.fits"]),
        (
            {"output_dir": "out", "steps": {"times": {"extra": True}}},
            ["out/jw01_fitopt.fits", "out/jw01_stub_pipeline.fits"],
        ),
        ({"steps": {"add": {"save_results": True, "skip": True}}}, []),
        (
            {"output_dir": "out", "steps": {"add": {"save_results": True}}},
            ["out/jw01_add.fits", "out/jw01_stub_pipeline.fits"],
        ),
    ],
)
def test_what_is_asked_for_is_written(path, tmp_path, asked, files):
    StubPipeline.call(path, **asked)
    assert written(tmp_path) == files


@pytest.mark.parametrize(
    ("asked", "files"),
    [
        ({"save_results": True}, ["jw01_rate.fits", "jw01_rateints.fits"]),
        ({"output_file": "final_rate.fits"}, ["final_rate.fits", "final_rateints.fits"]),
        ({"steps": {"ramp_fit": {"save_results": True}}}, ["jw01_0_ramp_fit.fits", "jw01_1_ramp_fit.fits"]),
        ({"steps": {"gain_scale": {"save_results": True}}}, ["jw01_gain_scale.fits", "jw01_gain_scaleints.fits"]),
        ({"steps": {"ramp_fit": {"skip": True}}, "save_results": True}, ["jw01_ramp.fits"]),
    ],
)
def test_several_results(path, tmp_path, asked, files):
    result = RatePipeline.call(path, **asked)
    assert written(tmp_path) == files
    if "ramp_fit" not in asked.get("steps", {}):
        assert type(result).__name__ == "ImageModel"
        assert np.all(result.data == 20)


def test_a_step_for_rates_is_skipped_for_a_ramp(model):
    result = RatePipeline.call(model, steps={"ramp_fit": {"skip": True}})
    assert result.meta.cal_step.gain_scale == "SKIPPED"


class MiriStep(GainStep):
    """Is for MIRI; neither its references nor what it cannot do matter to others."""

    alias = "reset"
    instruments = ("MIRI",)

    def check(self, meta, references):
        raise ParameterError("checked")


class MiriInChunksStep(MiriStep):
    """The same, in chunks."""

    def block(self, meta):
        return Block.PIXELS

    def begin(self, outline, references, summary):
        pytest.fail("the step began")


@pytest.mark.parametrize("step", [MiriStep, MiriInChunksStep])
def test_a_step_is_skipped_for_an_instrument_that_it_is_not_for(model, caplog, step):
    result = step.call(model)
    assert result.meta.cal_step.reset == "SKIPPED"
    assert "Step reset skipped: found INSTRUME NIRCAM, expected MIRI" in caplog.messages
    model.meta.instrument.name = "MIRI"
    with pytest.raises(ReferenceFileError):
        step.call(model)


def test_a_saved_result_knows_its_file(path):
    assert StubPipeline.call(path, save_results=True).meta.filename == "jw01_stub_pipeline.fits"


def test_a_folder_that_cannot_be_written_to_is_refused_before_work(path, tmp_path):
    (tmp_path / "file").write_text("")
    heard = []
    with watch(heard.append), pytest.raises(OutputError, match="output_dir"):
        StubPipeline.call(path, output_dir="file")
    assert heard == []


def test_the_log_of_the_run_is_in_the_product(path):
    lines = StubPipeline.call(path, output_dir="out").cal_logs.stub_pipeline
    assert any(" - INFO - times 0." in line for line in lines)


# --- references -----------------------------------------------------------------------------------------------------


class Gaining(Pipeline):
    alias = "gaining_pipeline"
    step_defs: ClassVar = {"gaining": GainStep, "times": TimesStep}


def test_overrides_reach_the_step_and_the_header_without_crds(model, tmp_path):
    gain = write_reference(tmp_path / "gain.fits", "gain")
    result = GainStep.call(model, override_gain=gain, override_readnoise="N/A")
    assert np.all(result.data == 10)
    assert result.meta.ref_file.gain.name == str(gain)
    assert result.meta.ref_file.readnoise.name == "N/A"


def test_references_of_skipped_steps_are_not_asked_for(model):
    result = Gaining.call(model, steps={"gaining": {"skip": True}})
    assert np.all(result.data == 20)
    assert result.meta.ref_file.gain.name is None


def test_a_reference_that_a_step_cannot_do_without(model):
    steps = {"gaining": {"override_gain": "N/A", "override_readnoise": "N/A"}}
    with pytest.raises(ReferenceFileError, match="gaining: found N/A as gain reference, expected a file"):
        Gaining.call(model, steps=steps)


def test_a_missing_reference_skips_a_step_that_can_be_skipped(model, caplog):
    class Forgiving(GainStep):
        references = (Ref("gain"), Ref("readnoise", optional=True))

    result = Forgiving(override_gain="N/A", override_readnoise="N/A").run(model)
    assert result.meta.cal_step.instance["gaining"] == "SKIPPED"
    assert [r.levelno for r in caplog.records if "no gain reference applies" in r.message] == [logging.WARNING]


def test_references_are_found_before_pixels_are_read(path, monkeypatch):
    monkeypatch.setattr("gpipe.controller.run.run.open_exposure", lambda *a: pytest.fail("pixels were read"))
    with pytest.raises(ReferenceFileError, match=r"override_gain: .*nowhere\.fits: no such file"):
        Gaining.call(path, steps={"gaining": {"override_gain": "nowhere.fits", "override_readnoise": "N/A"}})
