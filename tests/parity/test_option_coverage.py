"""Every parameter of every step in jwst 3.0.0: gpipe has it, and tests use it.

Compared: the names and defaults in the steps of jwst, read from the steps, with those of gpipe (the common ones of all
steps too); and that the name of each parameter of a step's own occurs in the tests of the step or in parity tests.
A name is no proof, but shows forgotten parameters. The tests that use a parameter check its effect.
"""

import re
from pathlib import Path

import pytest

import gpipe.step
from gpipe.pipeline import Detector1Pipeline

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

TESTS = Path(__file__).parents[1]
FOLDERS = {"ramp_fit": "ramp_fitting", "flat_field": "flatfield"}
SECOND_STAGE = {
    "assign_wcs": "AssignWcsStep",
    "flat_field": "FlatFieldStep",
    "photom": "PhotomStep",
    "resample": "ResampleStep",
}
COMMON_FOLDERS = ("controller", "pipeline", "parity")

WITHOUT_TEST = {
    "int_name": "has no effect in jwst, nor in gpipe",
}


@pytest.fixture(scope="module")
def theirs():
    return pytest.importorskip("jwst.pipeline").Detector1Pipeline()


@pytest.fixture(scope="module")
def common():
    return set(pytest.importorskip("jwst.stpipe").Step().get_pars())


def test_gpipe_has_every_parameter_with_the_same_default(theirs):
    ours = Detector1Pipeline()
    assert list(ours.steps) == list(theirs.step_defs)
    missing = []
    for name in theirs.step_defs:
        parameters = getattr(theirs, name).get_pars()
        missing += _different(getattr(ours, name), parameters, name)
    own = {key: value for key, value in theirs.get_pars().items() if key != "steps"}
    assert missing + _different(ours, own, "pipeline") == []


@pytest.mark.parametrize("name", SECOND_STAGE)
def test_steps_of_the_second_stage(name, common):
    parameters = getattr(pytest.importorskip("jwst.step"), SECOND_STAGE[name])().get_pars()
    assert _different(getattr(gpipe.step, SECOND_STAGE[name])(), parameters, name) == []
    text = _tests_in(FOLDERS.get(name, name), "parity")
    assert {key for key in parameters.keys() - common if not re.search(rf"\b{key}\b", text)} == set()


def _different(step, parameters, name):
    # jwst reads None back as an empty text for input_dir.
    expected = parameters | {"input_dir": None}
    found = {key: getattr(step, key, "no such parameter") for key in expected}
    return [f"{name}.{key}: {found[key]!r}, jwst {expected[key]!r}" for key in expected if found[key] != expected[key]]


def test_every_parameter_of_a_step_is_used_in_a_test(theirs, common):
    untested = {}
    for name in theirs.step_defs:
        text = _tests_in(FOLDERS.get(name, name), "parity")
        own = set(getattr(theirs, name).get_pars()) - common
        untested |= {key: name for key in own if not re.search(rf"\b{key}\b", text)}
    assert untested.keys() == WITHOUT_TEST.keys(), untested


def test_every_common_parameter_is_used_in_a_test(common):
    text = _tests_in(*COMMON_FOLDERS)
    assert {key for key in common if not re.search(rf"\b{key}\b", text)} == set()


def _tests_in(*folders):
    files = [path for folder in folders for path in (TESTS / folder).glob("*.py") if path != Path(__file__)]
    assert files
    return "\n".join(path.read_text() for path in files)
