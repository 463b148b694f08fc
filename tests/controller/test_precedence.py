"""Which value of a parameter counts. One test for each rule."""

from pathlib import Path
from typing import ClassVar

import asdf
import numpy as np
import pytest
from helpers.small_cache import SmallCache
from helpers.stub_steps import AddStep, StubPipeline

import gpipe.controller.references.resolution
from gpipe.controller import Step
from gpipe.exceptions import ParameterError

STEP = "class: jwst.add.add_step.AddStep\nname: add\nparameters: {amount: 12, minimum_groups: 2}\n"
PIPELINE = f"""class: jwst.pipeline.StubPipeline
name: StubPipeline
parameters: {{save_ramp: true}}
steps:
- {STEP.strip().replace(chr(10), chr(10) + "  ")}
"""


@pytest.fixture
def crds(monkeypatch):
    """CRDS parameter files by type; the test fills it with texts."""
    texts = {}

    def find(reftype, crds_parameters):
        assert crds_parameters["meta.exposure.type"] == "NRC_IMAGE"
        if reftype not in texts:
            return None
        path = Path(f"jwst_{reftype}_0001.asdf").absolute()
        path.write_text(texts[reftype])
        return path

    monkeypatch.setattr(gpipe.controller.references.resolution, "find_parameter_file", find)
    return texts


@pytest.fixture
def settled(monkeypatch, model):
    """The step as it is when ``call`` is about to run it."""

    def settle(cls, **kwargs):
        monkeypatch.setattr("gpipe.controller.run.run.execute", lambda step, *how, **more: step)
        return cls.call(model, configure_log=False, **kwargs)

    return settle


def file(text, name="my.asdf"):
    Path(name).parent.mkdir(exist_ok=True, parents=True)
    Path(name).write_text(text)
    return name


def amounts(pipe):
    return pipe.add.amount, pipe.add.minimum_groups, pipe.save_ramp


CRDS_STEP = STEP.replace("amount: 12", "amount: 7.5").replace("minimum_groups: 2", "minimum_groups: 4")
CRDS_PIPELINE = PIPELINE.replace("amount: 12, minimum_groups: 2", "amount: 8.5")


def test_coded_defaults_without_anything_else(settled, crds):
    assert amounts(settled(StubPipeline)) == (1.0, 3, False)


def test_crds_over_coded_defaults(settled, crds):
    crds["pars-addstep"] = CRDS_STEP
    step = settled(AddStep)
    assert (step.amount, step.minimum_groups) == (7.5, 4)
    assert str(step.origin("amount")) == "CRDS file jwst_pars-addstep_0001.asdf"


def test_crds_file_of_a_step_counts_in_a_pipeline(settled, crds):
    crds["pars-addstep"] = CRDS_STEP
    assert amounts(settled(StubPipeline)) == (7.5, 4, False)


def test_crds_file_of_the_pipeline_over_that_of_the_step_value_by_value(settled, crds):
    crds.update({"pars-addstep": CRDS_STEP, "pars-stubpipeline": CRDS_PIPELINE})
    assert amounts(settled(StubPipeline)) == (8.5, 4, True)


def test_config_file_over_crds(settled, crds):
    crds.update({"pars-addstep": CRDS_STEP, "pars-stubpipeline": CRDS_PIPELINE})
    pipe = settled(StubPipeline, config_file=file("steps: [{name: add, parameters: {amount: 12}}]"))
    assert amounts(pipe) == (12, 4, True)
    assert str(pipe.add.origin("amount")) == "config file my.asdf"


def test_keyword_over_config_file(settled, crds):
    pipe = settled(StubPipeline, config_file=file(PIPELINE), steps={"add": {"amount": 3}}, save_ramp=False)
    assert amounts(pipe) == (3, 2, False)
    assert str(pipe.add.origin("amount")) == "keyword"


def test_file_in_steps_over_config_file(settled, crds):
    crds["pars-stubpipeline"] = CRDS_PIPELINE
    file("parameters: {amount: 20}", "add.asdf")
    pipe = settled(StubPipeline, config_file=file(PIPELINE), steps={"add": {"config_file": "add.asdf"}})
    assert amounts(pipe) == (20, 2, True)
    assert str(pipe.add.origin("amount")) == "step file add.asdf"


def test_keyword_in_steps_over_file_in_steps(settled, crds):
    file(STEP, "add.asdf")
    pipe = settled(StubPipeline, steps={"add": {"config_file": Path("add.asdf"), "amount": 3}})
    assert amounts(pipe) == (3, 2, False)


def test_step_file_named_in_the_users_file_over_crds(settled, crds):
    crds.update({"pars-addstep": CRDS_STEP, "pars-stubpipeline": CRDS_PIPELINE})
    file("parameters: {amount: 12}", "folder/add.asdf")
    text = "steps: [{name: add, parameters: {config_file: add.asdf, minimum_groups: 5}}]"
    assert amounts(settled(StubPipeline, config_file=file(text, "folder/my.asdf"))) == (12, 5, True)


def test_values_beside_a_step_file_over_those_in_it(settled, crds):
    file(STEP, "add.asdf")
    text = "steps: [{name: add, parameters: {config_file: add.asdf, amount: 5}}]"
    assert amounts(settled(StubPipeline, config_file=file(text))) == (5, 2, False)


def test_step_file_with_an_absolute_path(settled, crds, tmp_path):
    file(STEP, "add.asdf")
    text = f"steps: [{{name: add, parameters: {{config_file: {tmp_path / 'add.asdf'}}}}}]"
    assert amounts(settled(StubPipeline, config_file=file(text, "folder/my.asdf"))) == (12, 2, False)


@pytest.mark.parametrize("value", ["TRUE", "True", "t", "1", "on", "YES", "y"])
def test_crds_parameters_can_be_disabled(settled, crds, monkeypatch, value):
    crds["pars-addstep"] = CRDS_STEP
    monkeypatch.setenv("STPIPE_DISABLE_CRDS_STEPPARS", value)
    assert settled(AddStep).amount == 1.0


@pytest.mark.parametrize("value", ["", "false", "0", "no"])
def test_crds_parameters_are_not_disabled_by_other_words(settled, crds, monkeypatch, value):
    crds["pars-addstep"] = CRDS_STEP
    monkeypatch.setenv("STPIPE_DISABLE_CRDS_STEPPARS", value)
    assert settled(AddStep).amount == 7.5


def test_run_reads_no_crds_file(model, crds):
    crds["pars-addstep"] = CRDS_STEP
    assert np.all(AddStep().run(model).data == 11)


def test_pipeline_parameters_and_those_of_steps_do_not_inherit(settled, crds):
    pipe = settled(StubPipeline, save_results=False, steps={"add": {"save_results": True}})
    assert (pipe.save_results, pipe.add.save_results, pipe.times.save_results) == (False, True, False)


def test_synonym_of_a_step(settled, crds):
    pipe = settled(StubPipeline, steps={"multiply": {"factor": 5}, "times": {"extra": True}})
    assert (pipe.times.factor, pipe.times.extra) == (5, True)


def test_synonym_of_a_step_in_a_file(settled, crds):
    file("parameters: {factor: 7}", "times.asdf")
    text = "steps: {multiply: {config_file: times.asdf}}"
    assert settled(StubPipeline, config_file=file(text)).times.factor == 7


def test_the_users_steps_are_not_changed(settled, crds):
    file(STEP, "add.asdf")
    steps = {"add": {"config_file": "add.asdf", "amount": 3}}
    settled(StubPipeline, steps=steps)
    assert steps == {"add": {"config_file": "add.asdf", "amount": 3}}


def test_from_a_real_crds_cache(settled, tmp_path, monkeypatch):
    cache = SmallCache(tmp_path / "cache", references={"pars-addstep": "jwst_nircam_pars-addstep_0001.asdf"})
    tree = {"class": "jwst.add.AddStep", "name": "add", "parameters": {"amount": 7.5}}
    asdf.AsdfFile(tree).write_to(cache.reference("jwst_nircam_pars-addstep_0001.asdf"))
    monkeypatch.setenv("CRDS_PATH", str(tmp_path / "cache"))
    assert settled(AddStep).amount == 7.5
    assert settled(StubPipeline).add.amount == 7.5


# --- what files may say ---------------------------------------------------------------------------------------------


def test_an_entry_without_name_is_matched_by_the_last_part_of_its_class(settled, crds):
    text = "steps:\n- class: jwst.linearity.some_step.AddStep\n  parameters:\n    amount : 12\n"
    assert settled(StubPipeline, config_file=file(text)).add.amount == 12


def test_an_entry_whose_class_is_no_step_of_the_pipeline(settled, crds):
    text = "steps: [{class: evil.module.Destroy, parameters: {amount: 1}}]"
    with pytest.raises(
        ParameterError, match=r"my\.asdf: found class 'evil\.module\.Destroy', expected one step of Stub"
    ):
        settled(StubPipeline, config_file=file(text))


def test_an_entry_that_matches_several_steps(settled, crds):
    class Twice(StubPipeline):
        step_defs: ClassVar = {"one": AddStep, "two": AddStep}

    with pytest.raises(ParameterError, match=r"found class 'jwst\.AddStep', expected one step of Twice"):
        settled(Twice, config_file=file("steps: [{class: jwst.AddStep}]"))


def test_an_entry_with_neither_name_nor_class(settled, crds):
    with pytest.raises(ParameterError, match="an entry of steps with neither name nor class"):
        settled(StubPipeline, config_file=file("steps: [{parameters: {amount: 1}}]"))


@pytest.mark.parametrize("text", ["class: os.system\n", "steps: [{name: add, class: os.system}]"])
def test_a_foreign_class_is_an_error_and_is_never_imported(settled, crds, text, monkeypatch):
    monkeypatch.setattr("builtins.__import__", _no_import_of("os_system_of_nowhere"))
    with pytest.raises(ParameterError, match=r"found class 'os\.system', expected gpipe's (StubPipeline|AddStep)"):
        settled(StubPipeline, config_file=file(text))


def _no_import_of(name, original=__import__):
    def guarded(module, *args, **kwargs):
        assert not module.startswith(name)
        return original(module, *args, **kwargs)

    return guarded


def test_a_file_for_another_step(settled, crds):
    with pytest.raises(
        ParameterError, match=r"found class 'jwst\.add\.add_step\.AddStep', expected gpipe's StubPipeline"
    ):
        settled(StubPipeline, config_file=file(STEP))


def test_unknown_names_in_files_are_told_with_those_of_keywords(settled, crds):
    text = "parameters: {save_rump: 1}\nsteps: [{name: add, parameters: {amuont: 3}}, {name: adt}]"
    with pytest.raises(ParameterError) as caught:
        settled(StubPipeline, config_file=file(text), steps={"timse": {}})
    lines = str(caught.value).splitlines()
    assert sum("unknown name" in line for line in lines) == len(lines) == 4
    assert [line.endswith("(config file my.asdf)") for line in lines].count(True) == 3


def test_unknown_names_in_crds_files_are_warned_about_and_the_rest_is_used(settled, crds, caplog):
    crds["pars-addstep"] = "class: jwst.add.AddStep\nparameters: {amount: 7.5, from_the_future: 1}"
    crds["pars-stubpipeline"] = "steps: [{name: add, parameters: {minimum_groups: 6}}, {name: future_step}]"
    pipe = settled(StubPipeline)
    assert (pipe.add.amount, pipe.add.minimum_groups) == (7.5, 6)
    warnings = [r.message for r in caplog.records if r.levelname == "WARNING"]
    assert [any(word in w for w in warnings) for word in ("from_the_future", "future_step")] == [True, True]
    assert len(warnings) == 2


def test_hooks_in_a_file_are_refused(settled, crds):
    with pytest.raises(ParameterError, match="pre_hooks can be given in Python only, found"):
        settled(AddStep, config_file=file("parameters: {pre_hooks: ['rm -r /'], amount: 2}"))


def test_empty_hooks_in_a_file_are_fine(settled, crds):
    assert settled(AddStep, config_file=file("parameters: {pre_hooks: [], post_hooks: [], amount: 2}")).amount == 2


@pytest.mark.parametrize(("steps", "expected"), [([], "steps: found"), ({"add": 3}, r"steps\['add'\]: found 3")])
def test_steps_of_another_type(settled, crds, steps, expected):
    with pytest.raises(ParameterError, match=expected):
        settled(StubPipeline, steps=steps)


# --- export and from_config_file ------------------------------------------------------------------------------------


def test_exported_parameters_read_back(model):
    pipe = StubPipeline(save_ramp=True, steps={"add": {"amount": 3, "output_file": "x"}, "times": {"skip": True}})
    pipe.export_config("out.asdf", include_metadata=True)
    assert StubPipeline.from_config_file("out.asdf").get_pars() == pipe.get_pars()
    assert np.all(StubPipeline.call(model, config_file="out.asdf").data == 13)


def test_exported_files_keep_overrides():
    from helpers.stub_steps import GainStep

    GainStep(override_gain="/a/gain.fits").export_config("out.asdf")
    read = GainStep.from_config_file("out.asdf")
    assert (read.override_gain, read.override_readnoise) == ("/a/gain.fits", None)


def test_what_a_file_cannot_hold_is_left_out_with_a_warning(caplog, model):
    AddStep(pre_hooks=[print]).export_config("out.asdf")
    assert "AddStep: pre_hooks cannot be exported" in caplog.messages
    assert AddStep.from_config_file("out.asdf").pre_hooks == []


def test_from_config_file_makes_the_class_that_the_file_names():
    file(STEP)
    assert type(Step.from_config_file("my.asdf")) is AddStep
    assert type(AddStep.from_config_file(Path("my.asdf"))) is AddStep
    assert AddStep.from_config_file("my.asdf", name="mine").name == "mine"


def test_from_config_file_of_another_class():
    with pytest.raises(ParameterError, match="expected gpipe's StubPipeline"):
        StubPipeline.from_config_file(file(STEP))


def test_from_config_file_reads_the_files_that_it_names():
    file(STEP, "add.asdf")
    text = "steps: {add: {config_file: add.asdf}}"
    assert StubPipeline.from_config_file(file(text)).add.amount == 12
