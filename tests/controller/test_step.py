import logging
from typing import ClassVar

import numpy as np
import pytest
from helpers.stub_steps import AddStep, GainStep, StubPipeline, TimesStep, uncal

import gpipe.backends
from gpipe.controller import Pipeline, Skip, Step, StepDone, StepStarted, watch
from gpipe.controller import parameters as p
from gpipe.datamodels import Ramp, open_exposure
from gpipe.exceptions import InputError, ParameterError

COMMON = {
    "pre_hooks": [],
    "post_hooks": [],
    "output_file": None,
    "output_dir": None,
    "output_ext": ".fits",
    "output_use_model": False,
    "output_use_index": True,
    "overwrite_input": False,
    "save_results": False,
    "skip": False,
    "suffix": None,
    "search_output_file": True,
    "input_dir": None,
}


def test_every_step_has_the_common_parameters_and_an_override_for_each_reference():
    assert GainStep().get_pars() == {**COMMON, "override_gain": None, "override_readnoise": None}
    assert AddStep().get_pars(full_spec=False) == {"amount": 1.0, "minimum_groups": 3, "maximum_cores": "1"}


def test_the_status_slot_is_the_alias_unless_declared():
    assert (AddStep.cal_step, TimesStep.cal_step) == ("add", "dark_sub")


def test_a_subclass_without_an_alias_keeps_that_of_its_base():
    class Mine(TimesStep):
        pass

    assert (Mine.alias, Mine.cal_step, Mine().name) == ("times", "dark_sub", "times")


@pytest.mark.parametrize(
    "set_wrong",
    [
        lambda: AddStep(amuont=3),
        lambda: setattr(AddStep(), "amuont", 3),
        lambda: AddStep().update_pars({"amuont": 3}),
        lambda: AddStep.call(uncal(), amuont=3, configure_log=False),
        lambda: AddStep().origin("amuont"),
    ],
)
def test_an_unknown_name_is_an_error_with_the_nearest_known_one(set_wrong):
    with pytest.raises(ParameterError, match=r"^AddStep: unknown name 'amuont'; did you mean 'amount'\?"):
        set_wrong()


def test_an_override_that_the_step_does_not_have_names_those_that_it_has():
    with pytest.raises(ParameterError, match=r"override_jump.*\(allowed: override_gain, override_readnoise\)$"):
        GainStep(override_jump="x.fits")


def test_all_problems_of_a_call_are_told_at_once():
    with pytest.raises(ParameterError) as caught:
        AddStep.call("missing.fits", amuont=3, amount="x", skip="maybe", configure_log=False)
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == [
        "AddStep",
        "AddStep.amount",
        "AddStep.skip",
    ]


def test_steps_have_no_steps():
    with pytest.raises(ParameterError, match="settings of a step 'jump', but it has no steps"):
        AddStep.call("missing.fits", steps={"jump": {}}, configure_log=False)


def test_the_origin_of_values():
    step = AddStep(amount=3)
    step.minimum_groups = 2
    assert [str(step.origin(n)) for n in ("amount", "minimum_groups", "skip")] == ["keyword", "attribute", "default"]
    assert "add.amount = 3.0 DN (keyword): What is added." in step.describe().splitlines()


def test_only_values_that_are_not_defaults_are_logged(model, caplog):
    caplog.set_level(logging.DEBUG, "gpipe")
    AddStep(amount=3, minimum_groups=3).run(model)
    assert [m for m in caplog.messages if "Parameters" in m] == ["Parameters of add: amount=3.0 (keyword)"]


class FolderStep(AddStep):
    """Notes where further input files are."""

    seen: ClassVar = []

    def apply(self, exposure, references):
        self.seen.append(self.folder_of_inputs(references))
        return exposure


class FolderPipeline(Pipeline):
    alias = "folders"
    step_defs: ClassVar = {"add": FolderStep}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "beside"),
        ({"input_dir": "of the pipeline"}, "of the pipeline"),
        ({"input_dir": "of the pipeline", "steps": {"add": {"input_dir": "of the step"}}}, "of the step"),
    ],
)
def test_further_files_are_where_a_user_says_or_beside_the_exposure(path, given, expected):
    FolderStep.seen.clear()
    FolderPipeline.call(path, configure_log=False, **given)
    assert FolderStep.seen == [str(path.parent) if expected == "beside" else expected]


def test_an_exposure_that_is_no_file_is_in_the_working_directory(model):
    FolderStep.seen.clear()
    FolderStep.call(model, configure_log=False)
    assert FolderStep.seen == [""]


# --- call and run ---------------------------------------------------------------------------------------------------


def test_run_and_call_give_a_model_for_a_path_and_for_a_model(path, model):
    for result in (AddStep().run(path), AddStep.call(path), AddStep.call(str(path)), AddStep.call(model)):
        assert type(result).__name__ == "RampModel"
        assert isinstance(result.data, np.ndarray)
        assert np.all(result.data == 11)
        assert result.data.dtype == np.float32
        assert result.meta.cal_step.instance["add"] == "COMPLETE"


def test_an_exposure_in_flight_gives_one(model):
    ramp = open_exposure(model, gpipe.backends.get("numpy"))
    result = AddStep().run(ramp)
    assert isinstance(result, Ramp)
    assert np.all(result.data == 11)
    assert np.all(ramp.data == 10)
    assert "add" not in ramp.meta.cal_step.instance


def test_the_callers_model_is_not_modified(model):
    before = model.to_flat_dict()
    AddStep.call(model, save_results=True)
    assert model.to_flat_dict() == before
    assert np.all(model.data == 10)


def test_a_list_gives_a_list(path, model):
    results = AddStep.call([path, model], amount=2)
    assert [float(r.data[0, 0, 0, 0]) for r in results] == [12, 12]
    assert AddStep.call([]) == []


def test_one_output_file_for_several_exposures_is_refused(path):
    with pytest.raises(ParameterError, match="output_file: found one name for 2 exposures"):
        AddStep.call([path, path], output_file="x")


def test_an_instance_can_be_used_again(path, tmp_path):
    step = AddStep(save_results=True)
    before = dict(vars(step))
    uncal().save(tmp_path / "other_uncal.fits")
    step.run(path)
    step.run(tmp_path / "other_uncal.fits")
    assert dict(vars(step)) == before
    assert sorted(f.name for f in tmp_path.glob("*_add.fits")) == ["jw01_add.fits", "other_add.fits"]


def test_call_on_an_instance_warns_that_its_attributes_are_not_used(model):
    step = AddStep()
    step.amount = 5
    with pytest.warns(UserWarning, match=r"^AddStep\.call makes a new instance; set on this one and not used: amount$"):
        result = step.call(model, configure_log=False)
    assert np.all(result.data == 11)


def test_call_on_an_untouched_instance_says_nothing(model, caplog):
    AddStep().call(model, configure_log=False)
    assert caplog.messages == []


def test_run_says_once_that_it_reads_no_crds_parameters(model, caplog):
    for _ in range(2):
        AddStep().run(model)
    assert [r.levelname for r in caplog.records if "CRDS parameter files" in r.message] == ["WARNING"]


def test_run_takes_no_parameters(model):
    with pytest.raises(TypeError, match="amount"):
        AddStep().run(model, amount=3)


def test_the_name_keyword_is_the_suffix(path, tmp_path):
    AddStep.call(path, name="mine", save_results=True)
    assert (tmp_path / "jw01_mine.fits").exists()


def test_another_kind_of_exposure_is_refused(model):
    class OnRates(Step):
        accepts = (gpipe.datamodels.Rate,)

    with pytest.raises(InputError, match=r"found a ramp .* expected a count-rate product"):
        OnRates().run(model)


def test_an_unexpected_error_says_in_which_step(model):
    class Broken(Step):
        alias = "broken"

        def apply(self, exposure, references):
            raise ZeroDivisionError("oh")

    with pytest.raises(ZeroDivisionError) as caught:
        Broken().run(model)
    assert "in step broken" in caught.value.__notes__[0]


def test_check_refuses_before_pixels_are_read(path, monkeypatch):
    class Refusing(AddStep):
        def check(self, meta, references):
            raise InputError(f"found READPATT {meta.exposure.readpatt}")

    monkeypatch.setattr("gpipe.controller.run.run.open_exposure", lambda *a: pytest.fail("pixels were read"))
    with pytest.raises(InputError, match="RAPID"):
        Refusing.call(path, configure_log=False)


# --- skipping -------------------------------------------------------------------------------------------------------


def test_skip_by_the_user_skips_a_standalone_step(model, tmp_path):
    result = AddStep.call(model, skip=True, save_results=True, pre_hooks=[lambda m: pytest.fail("hook was run")])
    assert np.all(result.data == 10)
    assert result.meta.cal_step.instance["add"] == "SKIPPED"
    assert list(tmp_path.glob("*.fits")) == []


def test_skip_by_default_does_not_skip_a_standalone_step(model):
    class Shy(AddStep):
        skip = p.Boolean(True)

    assert np.all(Shy.call(model).data == 11)
    assert np.all(Shy.call(model, skip=True).data == 10)


def test_a_step_that_does_not_apply_says_so(model, caplog):
    result = AddStep(minimum_groups=9).run(model)
    assert np.all(result.data == 10)
    assert result.meta.cal_step.instance["add"] == "SKIPPED"
    assert "Step add skipped: found 4 groups, expected at least 9" in caplog.messages


def test_the_level_of_a_skip(model, caplog):
    class Quiet(Step):
        alias = "quiet"

        def apply(self, exposure, references):
            raise Skip("nothing to do", logging.INFO)

    caplog.set_level(logging.INFO, "gpipe")
    Quiet().run(model)
    assert ("INFO", "quiet skipped: nothing to do") in [(r.levelname, r.message) for r in caplog.records]


@pytest.mark.parametrize(("instrument", "missed"), [("NIRCAM", "dq_init and refpix"), ("MIRI", "dq_init")])
def test_a_step_says_which_predecessor_it_misses(model, caplog, instrument, missed):
    model.meta.instrument.name = instrument
    TimesStep().run(model)
    (line,) = [line for line in caplog.messages if "ran before it" in line]
    assert line.startswith(f"Step times expects that {missed} ran before it; ")
    assert line.endswith("they did not" if " and " in missed else " it did not")


@pytest.mark.parametrize("status", ["COMPLETE", "SKIPPED"])
def test_a_predecessor_that_ran_or_was_skipped_is_fine(model, caplog, status):
    model.meta.cal_step.dq_init = model.meta.cal_step.refpix = status
    TimesStep().run(model)
    assert not any("expects" in m for m in caplog.messages)


# --- events ---------------------------------------------------------------------------------------------------------


def test_watchers_hear_of_every_step(model):
    heard = []
    with watch(heard.append):
        StubPipeline(steps={"add": {"skip": True}}).run(model)
    StubPipeline().run(model)
    started = [e for e in heard if isinstance(e, StepStarted)]
    done = [e for e in heard if isinstance(e, StepDone)]
    assert [(e.name, e.position, e.total) for e in started] == [("add", 1, 2), ("times", 2, 2)]
    assert [(e.name, e.status) for e in done] == [("add", "SKIPPED"), ("times", "COMPLETE")]
    assert all(e.seconds >= 0 for e in done)
    assert np.all(done[1].result.data == 20)
