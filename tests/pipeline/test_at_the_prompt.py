"""Steps and pipelines at a prompt: tab, signatures, help, a line for each instance, hints for what people type."""

import inspect
import pydoc
import rlcompleter
import subprocess
import sys

import pytest

import gpipe
import gpipe.step
from gpipe.controller import Step
from gpipe.controller import parameters as p
from gpipe.exceptions import InputError, ParameterError
from gpipe.jump import JumpStep
from gpipe.pipeline import DarkPipeline, Detector1Pipeline
from gpipe.ramp_fitting import RampFitStep

VERBS = ["call", "run", "plan", "parameters", "describe", "export_config", "origin"]
OF_JWST = ["spec", "log", "save_model", "get_pars", "process", "prepare_output"]
STEPS = [getattr(gpipe.step, name) for name in gpipe.step.__all__]


def completions(text, **names):
    completer = rlcompleter.Completer(names)
    found = iter(range(1000))
    return list(iter(lambda: completer.complete(text, next(found)), None))


def help_of(cls):
    return pydoc.plain(pydoc.render_doc(cls))


def test_dir_of_a_pipeline_has_its_steps_first_then_what_is_called():
    pipe = Detector1Pipeline()
    steps = list(Detector1Pipeline.step_defs)
    assert pipe.__dir__()[: len(steps) + len(VERBS)] == [*steps, *VERBS]
    assert set(pipe.__dir__()[len(steps) + len(VERBS) :]) == set(Detector1Pipeline.parameters())


def test_dir_of_a_step_has_its_parameters():
    assert set(dir(JumpStep())) == {*VERBS, *JumpStep.parameters()}


@pytest.mark.parametrize("name", OF_JWST)
def test_names_of_jwst_are_there_and_not_shown(name):
    assert hasattr(Detector1Pipeline, name)
    assert name not in dir(Detector1Pipeline()) + dir(Detector1Pipeline)


def test_tab_completes():
    assert completions("pipe.ju", pipe=Detector1Pipeline()) == ["pipe.jump("]  # a step has a __call__, for its hint
    assert completions("pipe.jump.rej", pipe=Detector1Pipeline()) == ["pipe.jump.rejection_threshold"]
    assert completions("JumpStep.ca", JumpStep=JumpStep) == ["JumpStep.call("]


def test_a_subclass_with_traits_of_its_own_works():
    class Mine(JumpStep):
        """Do it my way."""

        mine = p.Float(2.0, unit="DN", help="A number.")

    step = Mine(mine=3)
    assert (step.mine, step.rejection_threshold) == (3.0, 4.0)
    assert "mine" in dir(step)
    assert "mine                            = 2.0 DN: A number." in Mine.__doc__
    assert repr(step) == "Mine(mine=3.0)"


@pytest.mark.parametrize("of", [JumpStep, JumpStep.call, JumpStep.plan, JumpStep().call])
def test_signatures_list_parameters_with_type_and_default(of):
    found = inspect.signature(of).parameters
    assert (found["rejection_threshold"].annotation, found["rejection_threshold"].default) == (float, 4.0)
    assert found["maximum_cores"].annotation == int | str
    assert found["output_dir"].default is None
    assert not {"parameters", "parent", "self", "cls"} & set(found)


def test_signature_of_a_call_begins_with_the_input_and_ends_with_options():
    of_step, of_pipeline = (list(inspect.signature(cls.call).parameters) for cls in (JumpStep, Detector1Pipeline))
    assert of_step[:2] == ["source", "rejection_threshold"]
    assert {"backend", "max_memory", "config_file", "name"} < set(of_step)
    assert "steps" not in of_step
    assert "steps" in of_pipeline


def test_options_of_a_parameter_are_its_type():
    found = inspect.signature(RampFitStep).parameters["algorithm"]
    assert found.default in found.annotation.__args__


@pytest.mark.parametrize("cls", [*STEPS, Detector1Pipeline, DarkPipeline], ids=lambda cls: cls.__name__)
def test_help_fits_on_two_screens(cls):
    text, _, methods = help_of(cls).partition("Method resolution order")
    assert len(text.splitlines()) <= 80
    assert "call(source: Any" in methods
    assert all(name in text for name in [*cls.substeps(), *cls.parameters()] if not name.startswith("override_"))
    assert all(ref.type in text for ref in cls.references)
    assert f">>> result = {cls.__name__}.call(exposure" in text


def test_help_of_an_instance_is_that_of_its_class():
    assert Detector1Pipeline().jump.__doc__ == JumpStep.__doc__ == inspect.getdoc(JumpStep)
    assert help_of(JumpStep()).splitlines()[2:] == help_of(JumpStep).splitlines()[2:]


def test_help_of_a_call_has_signature_and_text():
    text = help_of(JumpStep.call)
    assert "rejection_threshold: float = 4.0" in text
    assert "Calibrate an exposure" in text


def test_examples_of_help_can_be_typed():
    pipe = Detector1Pipeline()
    line = next(line for line in Detector1Pipeline.__doc__.splitlines() if line.startswith(">>> pipe."))
    exec(line.removeprefix(">>> "), {"pipe": pipe})
    assert pipe.changed()


def test_a_class_without_text_has_that_of_its_parent():
    class Quiet(JumpStep):
        pass

    assert Quiet.__doc__.startswith("Flag groups that begin with a jump")


def test_repr_tells_what_differs_from_the_defaults():
    pipe = Detector1Pipeline(steps={"jump": {"rejection_threshold": 5}})
    assert repr(Detector1Pipeline()) == "Detector1Pipeline()"
    assert repr(pipe) == "Detector1Pipeline(jump=JumpStep(rejection_threshold=5.0))"
    pipe.ramp_fit.post_hooks = [inspect.getdoc, "cp {0} ."]
    pipe.jump.rejection_threshold = 4.0
    assert repr(pipe) == "Detector1Pipeline(ramp_fit=RampFitStep(post_hooks=[getdoc, 'cp {0} .']))"


def test_html_is_a_folded_table_with_origins():
    html = Detector1Pipeline(steps={"jump": {"rejection_threshold": 5}})._repr_html_()
    assert html.count("<details>") == len(Detector1Pipeline.step_defs)
    assert "5.0 sigma" in html
    assert ">keyword</span>" in html
    assert "<code>jump: JumpStep(rejection_threshold=5.0)</code>" in html


@pytest.mark.parametrize(
    ("name", "message"),
    [("jum", "no step or parameter 'jum'; did you mean 'jump'"), ("zzz", "no step or parameter 'zzz'$")],
)
def test_reading_a_name_that_is_not_there_tells_the_nearest(name, message):
    with pytest.raises(AttributeError, match=message):
        getattr(Detector1Pipeline(), name)


def test_reading_a_misspelt_parameter_of_a_step():
    with pytest.raises(AttributeError, match="did you mean 'rejection_threshold'"):
        _ = JumpStep().rejection_treshold


@pytest.mark.parametrize(("typed", "step"), [("jump", "jump"), ("jmp", "jump"), ("dark", "dark")])
def test_a_step_among_the_parameters(typed, step):
    with pytest.raises(
        ParameterError, match=rf"^Detector1Pipeline: found '{typed}' among .*steps={{'{step}': {{...}}}}$"
    ):
        Detector1Pipeline.call("x_uncal.fits", **{typed: {"rejection_threshold": 5}}, configure_log=False)


def test_a_step_is_no_function():
    with pytest.raises(TypeError, match=r"Detector1Pipeline\.call\(exposure, \.\.\.\).*run\(exposure\)"):
        Detector1Pipeline()("x_uncal.fits")


@pytest.mark.parametrize("pattern", ["*_uncal.fits", "*_asn.json"])
def test_a_pattern_where_a_path_is_expected(pattern, tmp_path):
    with pytest.raises(InputError, match=r"no such file; a pattern is for glob\.glob, gpipe\.run or `gpipe run`"):
        Detector1Pipeline.call(str(tmp_path / pattern), configure_log=False)


def test_an_association_where_none_is_taken(tmp_path):
    path = tmp_path / "x_asn.json"
    path.write_text('{"asn_type": "none", "products": []}')
    with pytest.raises(InputError, match="found JSON, as of an association, which steps and pipelines take"):
        gpipe.look(path)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("from gpipe.pipeline import Spec3Pipeline", "from jwst.pipeline import Spec3Pipeline"),
        ("from gpipe.step import JumStep", "did you mean 'JumpStep'"),
        ("from gpipe.step import TweakRegStep", "from jwst.step import TweakRegStep"),
        ("from gpipe.step import something", "cannot import name 'something'"),
    ],
)
def test_imports_of_names_that_gpipe_lacks(typed, message):
    with pytest.raises(ImportError, match=message):
        exec(typed)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Detector1Pipline", "did you mean 'Detector1Pipeline'"),
        ("Image3Pipeline", "from jwst.pipeline import Image3Pipeline"),
        ("JumpStep", "steps are imported from gpipe.step"),
    ],
)
def test_names_that_the_package_lacks(name, message):
    with pytest.raises(AttributeError, match=message):
        getattr(gpipe, name)


def test_pipelines_are_names_of_the_package():
    assert gpipe.Detector1Pipeline is Detector1Pipeline


def test_importing_pipelines_makes_no_signature_and_no_help():
    code = "import sys, gpipe.pipeline; print([n for n in sys.modules if n.startswith('gpipe.controller.display.')])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "['gpipe.controller.display.shown']"


def test_a_step_that_is_only_declared_has_help():
    class Bare(Step):
        pass

    assert "Parameters of every step" in Bare.__doc__


@pytest.mark.parametrize("cls", [Detector1Pipeline, DarkPipeline])
def test_steps_are_declared_for_type_checkers(cls):
    declared = inspect.get_annotations(cls)
    assert {name: declared[name] for name in cls.step_defs} == cls.step_defs
