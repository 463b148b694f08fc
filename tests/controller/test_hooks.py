import itertools
import sys
from dataclasses import replace

import numpy as np
import pytest
from helpers.stub_steps import AddStep, RateStep, StubPipeline, TimesStep, uncal
from stdatamodels.jwst.datamodels import GainModel

import gpipe.backends
from gpipe.controller import Step, StepStarted, watch
from gpipe.datamodels import open_exposure
from gpipe.exceptions import GpipeError, ParameterError

MODULE = """
from helpers.stub_steps import TimesStep

class OfJwst:
    def process(self, model):
        model.data *= 2

    def run(self, model):
        return self.process(model)

class Thing:
    pass

def double(model):
    model.data *= 2

def new(model):
    other = model.copy()
    other.data += 100
    return other
"""


@pytest.fixture
def hk(tmp_path, monkeypatch):
    """A user's module."""
    (tmp_path / "hk_of_user.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("hk_of_user", None)


def double(model):
    model.data *= 2


class OfJwst:
    """A step as jwst has them, which knows nothing of gpipe."""

    def process(self, model):
        result = model.copy()
        result.data *= 2
        return result

    def run(self, model):
        return self.process(model)


class OwnStep(Step):
    """A step of gpipe with its own process."""

    def process(self, model):
        model.data *= 2
        return model


class Thing:
    """Nothing that can be run."""


@pytest.mark.parametrize(
    ("pre", "post", "value"),
    [
        ([double], [], 21),
        ([], [double], 22),
        (["hk_of_user.double"], [], 21),
        (["hk_of_user.new"], [], 111),
        ([double, "hk_of_user.new"], [double], 242),
        ([TimesStep], [], 21),
        ([], [TimesStep(factor=3)], 33),
        (["hk_of_user.TimesStep(factor=4)"], [], 41),
        (["hk_of_user.TimesStep"], [], 21),
        (["true"], ["test -f {0}"], 11),
        ([OfJwst], [], 21),
        ([], [OfJwst()], 22),
        (["hk_of_user.OfJwst"], [], 21),
        ([OwnStep], [OwnStep()], 42),
    ],
)
def test_hooks_may_change_the_exposure(model, hk, pre, post, value):
    assert np.all(AddStep.call(model, pre_hooks=pre, post_hooks=post).data == value)
    assert np.all(model.data == 10)


def test_a_step_with_a_step_as_hook_does_not_disturb_the_steps_after_it(model):
    seen = []
    with watch(seen.append):
        found = StubPipeline.call(model, steps={"add": {"post_hooks": [OwnStep]}})
    assert np.all(found.data == 44)
    started = [(one.name, one.position, one.total) for one in seen if isinstance(one, StepStarted)]
    assert started == [("add", 1, 2), ("OwnStep", 1, 1), ("times", 2, 2)]


def test_hooks_set_on_an_instance_later_are_used(model):
    step = AddStep()
    step.post_hooks = [double]
    assert np.all(step.run(model).data == 22)


def test_a_hook_cannot_reach_the_arrays_of_the_caller():
    model = uncal()
    ramp = open_exposure(model, gpipe.backends.get("numpy"))
    ramp = replace(ramp, data=ramp.data.copy())
    assert np.all(AddStep(pre_hooks=[double]).run(ramp).data == 21)
    assert np.all(ramp.data == 10)


def test_a_command_sees_the_exposure(model, tmp_path):
    AddStep.call(model, post_hooks=["cp {0} seen.fits"])
    from astropy.io import fits

    assert np.all(fits.getdata(tmp_path / "seen.fits") == 11)
    assert sorted(f.name for f in tmp_path.glob("*.fits")) == ["seen.fits"]


def test_a_command_that_fails(model):
    with pytest.raises(GpipeError, match=r"AddStep\.pre_hooks: 'false' returned status 1"):
        AddStep.call(model, pre_hooks=["false"])


@pytest.mark.parametrize(
    ("hook", "found"),
    [
        ("hk_of_user.missing", "'hk_of_user.missing' cannot be imported"),
        ("no_such_module.f", "'no_such_module.f' cannot be imported"),
        ("hk_of_user.TimesStep(3)", "cannot be imported"),
        (3, "found 3, expected a function, a Step (class or instance) or a shell command"),
        (Thing, "test_hooks.Thing'>, expected a function, a Step (class or instance) or a shell command"),
        (Thing(), "Thing object"),
        ("hk_of_user.Thing", "hk_of_user.Thing'>, expected a function"),
    ],
)
def test_a_wrong_hook_is_named(model, hk, hook, found):
    for hooks, top in itertools.product(("pre_hooks", "post_hooks"), (AddStep, StubPipeline)):
        with pytest.raises(ParameterError, match=hooks) as caught:
            top.call(model, **{hooks: [hook]})
        assert found in str(caught.value)


def test_a_wrong_hook_is_told_before_work(model, monkeypatch):
    calls = []
    with pytest.raises(ParameterError, match=r"times\.post_hooks: found 3"):
        StubPipeline.call(model, pre_hooks=[calls.append], steps={"times": {"post_hooks": [3]}})
    assert not calls
    StubPipeline.call(model, pre_hooks=[calls.append], steps={"times": {"post_hooks": [3], "skip": True}})
    assert len(calls) == 1


@pytest.mark.parametrize("hook", [RateStep, RateStep(), "helpers.stub_steps.RateStep"])
@pytest.mark.parametrize("parameter", ["pre_hooks", "post_hooks"])
def test_a_step_with_two_results_is_no_hook(model, hook, parameter):
    wrong = rf"{parameter}: hook (helpers\.stub_steps\.)?RateStep: found 2 results, expected one model, or None"
    for top, where in ((AddStep, "AddStep"), (StubPipeline, "StubPipeline")):
        with pytest.raises(GpipeError, match=f"^{where}.{wrong}$"):
            top.call(model, **{parameter: [hook]})
    with pytest.raises(GpipeError, match=f"^add.{wrong}$"):
        StubPipeline.call(model, steps={"add": {parameter: [hook]}})


class Callable:
    """A function with a state, which has no name."""

    def __init__(self, result):
        self.result = result

    def __call__(self, model):
        return self.result


@pytest.mark.parametrize(
    ("result", "found"),
    [
        ((uncal(), uncal()), "found 2 results, expected one model, or None"),
        ([uncal()], "found a list, expected one model, or None"),
        (3, "found int as result, expected a model of an exposure, or None (found builtins.int"),
        (np.zeros(3), "found ndarray as result, expected a model of an exposure, or None"),
        (Thing(), "found Thing as result, expected a model of an exposure, or None"),
        (GainModel(), "found GainModel as result, expected a model of an exposure, or None"),
    ],
)
def test_what_a_hook_returns_is_a_model_or_nothing(model, result, found):
    for parameter in ("pre_hooks", "post_hooks"):
        with pytest.raises(GpipeError) as caught:
            StubPipeline.call(model, steps={"times": {parameter: [Callable(result)]}})
        assert str(caught.value).startswith(f"times.{parameter}: hook Callable: {found}")
        assert "\n" not in str(caught.value)


def test_a_function_that_returns_something_else_is_named(model):
    def as_text(given):
        return {"model": given}

    with pytest.raises(GpipeError, match=r"^AddStep\.post_hooks: hook \S+as_text: found dict as result"):
        AddStep.call(model, post_hooks=[as_text])


def test_a_single_hook_is_not_a_list():
    with pytest.raises(ParameterError, match="expected a list"):
        AddStep(pre_hooks="true")
