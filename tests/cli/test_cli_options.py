"""Parameters on the command line: three spellings, one meaning."""

import click
import pytest

from gpipe.cli.options import Option, given, options_in
from gpipe.exceptions import ParameterError
from gpipe.jump import JumpStep
from gpipe.pipeline import Detector1Pipeline

ONE = ["--jump.rejection_threshold=5"], ["--jump.rejection_threshold", "5"], ["--steps.jump.rejection_threshold=5"]


@pytest.mark.parametrize("arguments", ONE)
def test_spellings(arguments):
    options, others = options_in(["a.fits", *arguments, "-v", "b.fits"])
    assert others == ["a.fits", "-v", "b.fits"]
    assert given(Detector1Pipeline, [], options).steps == {"jump": {"rejection_threshold": "5"}}


@pytest.mark.parametrize("arguments", [["--rejection_threshold=5"], ["--rejection_threshold", "5"]])
def test_a_parameter_of_a_step_alone(arguments):
    assert given(JumpStep, [], options_in(arguments)[0]).parameters == {"rejection_threshold": "5"}


@pytest.mark.parametrize("value", ["-5", "a=b", ""])
def test_values(value):
    assert options_in([f"--jump.skip={value}"]) == ([Option("jump.skip", value)], [])


@pytest.mark.parametrize("arguments", [["--jump.skip"], ["--jump.skip", "--jump.save_results=true"]])
def test_a_value_is_missing(arguments):
    with pytest.raises(click.UsageError, match=r"^--jump\.skip: found no value, expected one$"):
        given(Detector1Pipeline, [], options_in(arguments)[0])


@pytest.mark.parametrize(
    ("cls", "name", "hint"),
    [
        (Detector1Pipeline, "save_calibrated_rmp", "; did you mean --save_calibrated_ramp?"),
        (Detector1Pipeline, "rejection_threshold", "; did you mean --jump.rejection_threshold?"),
        (JumpStep, "rejection_treshold", "; did you mean --rejection_threshold?"),
        (JumpStep, "zzz", ""),
    ],
)
def test_an_option_that_there_is_not(cls, name, hint):
    with pytest.raises(click.UsageError) as caught:
        given(cls, [], [Option(name, "5")])
    assert str(caught.value) == f"No such option: --{name}{hint}"


def test_the_class_of_a_step_is_not_chosen_here():
    with pytest.raises(ParameterError, match=r"^steps\.jump\.class: found 'os\.system'; "):
        given(Detector1Pipeline, [], [Option("steps.jump.class", "os.system")])


def test_the_whole_and_its_steps():
    found = given(
        Detector1Pipeline,
        ["save_calibrated_ramp=true", "jump.skip=no", "suffix=a=b", "dark.output_file=None"],
        skipped=["refpix"],
        saved=["linearity", "refpix"],
    )
    assert found.parameters == {"save_calibrated_ramp": "true", "suffix": "a=b"}
    assert found.steps == {
        "jump": {"skip": "no"},
        "dark": {"output_file": None},
        "refpix": {"skip": True, "save_results": True},
        "linearity": {"save_results": True},
    }


def test_an_override_goes_to_every_step_that_uses_the_type():
    found = given(Detector1Pipeline, [], overrides=["gain=my.fits"])
    users = [name for name, step in Detector1Pipeline.step_defs.items() if "gain" in step.reference_file_types]
    assert len(users) > 2
    assert found.steps == {name: {"override_gain": "my.fits"} for name in users}
    assert given(JumpStep, [], overrides=["gain=my.fits"]).parameters == {"override_gain": "my.fits"}


def test_lists_are_made_by_commas():
    step = Detector1Pipeline.step_defs["emicorr"]
    name = next(
        n for n, declared in step.parameters().items() if "List" in type(declared).__name__ and "hooks" not in n
    )
    assert given(step, [f"{name}=a, b"]).parameters == {name: ["a", "b"]}


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"assignments": ["jump"]}, "found 'jump', expected STEP.PARAMETER=VALUE"),
        ({"assignments": ["=5"]}, "found '=5', expected STEP.PARAMETER=VALUE"),
        ({"assignments": ["tell=x"]}, "Detector1Pipeline: unknown name 'tell' (allowed: "),
        ({"assignments": ["steps.save_result=x"]}, "Detector1Pipeline: unknown name 'save_result'; did you mean"),
        ({"overrides": ["gain"]}, "found 'gain', expected TYPE=FILE"),
        ({"overrides": ["gian=a"]}, "--override: unknown name 'gian'; did you mean 'gain'?"),
    ],
)
def test_mistakes(keywords, message):
    with pytest.raises(ParameterError) as caught:
        given(Detector1Pipeline, **({"assignments": []} | keywords))
    assert str(caught.value).startswith(message)
