import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from gpipe.controller import Step
from gpipe.controller.parameters import types as p
from gpipe.exceptions import ParameterError


def declare(parameter):
    """An instance of a step with this one parameter, ``x``."""
    return type("OneStep", (Step,), {"alias": "one", "x": parameter})()


ACCEPTED = [
    (p.Integer(1), 5, 5),
    (p.Integer(1), "5", 5),
    (p.Integer(1), np.int64(5), 5),
    (p.Integer(None), None, None),
    (p.Float(1.0), 3, 3.0),
    (p.Float(1.0), "3", 3.0),
    (p.Float(1.0), "1e-3", 1e-3),
    (p.Float(1.0), np.float32(0.5), 0.5),
    (p.Float(1.0, min=0, max=2), 2, 2.0),
    (p.Float(1.0, optional=True), None, None),
    *((p.Boolean(False), yes, True) for yes in (True, 1, "yes", "ON", "True", "1")),
    *((p.Boolean(True), no, False) for no in (False, 0, "No", "off", "FALSE", "0", np.False_)),
    (p.String("a"), "b", "b"),
    (p.Option("a", ("a", "b")), "b", "b"),
    (p.Option("a", ("a", None)), None, None),
    (p.List([]), (1, "two"), [1, "two"]),
    (p.FloatList(None), ["1", 2], [1.0, 2.0]),
    (p.IntegerList(None, min=2, max=2), [3, "4"], [3, 4]),
    (p.Path(None), Path("a/b"), "a/b"),
    (p.OutputFile(None), "x.fits", "x.fits"),
    *((p.Cores("1"), given, stored) for given, stored in ((4, "4"), ("4", "4"), ("Half", "half"), ("NONE", "none"))),
    (p.Override("gain"), Path("a.fits"), "a.fits"),
    (p.Override("gain"), "N/A", "N/A"),
]


@pytest.mark.parametrize(("parameter", "given", "stored"), ACCEPTED)
def test_a_value_is_converted_on_assignment(parameter, given, stored):
    step = declare(parameter)
    step.x = given
    assert step.x == stored
    assert type(step.x) is type(stored)


REFUSED = [
    *((p.Integer(1), value) for value in (5.0, 5.7, "5.7", "None", None, [1])),
    (p.Integer(1, min=1), 0),
    *((p.Float(1.0), value) for value in ("x", [1.0], None, {})),
    *((p.Float(1.0, min=0, max=2), value) for value in (-0.1, 2.1, math.nan)),
    *((p.Boolean(False), value) for value in (2, "t", "maybe", None, 1.5)),
    *((p.String("a"), value) for value in (1, True, ["a"], None)),
    *((p.Option("1", ("1", "b")), value) for value in ("B", 1, None)),
    *((p.List([]), value) for value in ("1,2", 1, None)),
    (p.FloatList(None), ["x"]),
    (p.IntegerList(None, min=2, max=2), [1]),
    *((p.Cores("1"), value) for value in ("0", 0, -1, "2.5", 2.5, "junk", "", True, None)),
    *((p.OutputFile(None), value) for value in ("", 3)),
    *((p.Override("gain"), value) for value in (" ", 3)),
]


@pytest.mark.parametrize(("parameter", "given"), REFUSED)
def test_a_wrong_value_is_refused_on_assignment_and_nothing_changes(parameter, given):
    step = declare(parameter)
    before = step.x
    with pytest.raises(ParameterError, match=r"^OneStep\.x: found .*, expected "):
        step.x = given
    assert step.x == before


def test_the_error_names_parameter_value_bounds_and_unit():
    step = declare(p.Float(4.0, min=0, unit="sigma"))
    with pytest.raises(ParameterError) as caught:
        step.x = "many"
    assert str(caught.value) == "OneStep.x: found 'many' (str), expected a number, at least 0 [sigma]"


def test_lists_are_not_shared_between_instances():
    one, two = declare(p.List([1])), declare(p.List([1]))
    one.x.append(2)
    assert two.x == [1]
    assert type(one)().x == [1]


def test_home_is_expanded_in_paths(monkeypatch):
    monkeypatch.setenv("HOME", "/somewhere")
    step = declare(p.Override("gain"))
    step.x = "~/gain.fits"
    assert step.x == "/somewhere/gain.fits"


def test_an_open_model_is_an_override_as_it_is():
    opened = SimpleNamespace(meta=None)
    step = declare(p.Override("gain"))
    step.x = opened
    assert step.x is opened


def test_the_list_of_names_is_left_out_where_one_is_near():
    known = [f"name_{number}" for number in range(20)]
    assert p.unknown_name("jump", "nam_7", known) == "jump: unknown name 'nam_7'; did you mean 'name_7'?"
    assert p.unknown_name("jump", "x", known).endswith(f"(allowed: {', '.join(sorted(known))})")


def test_names_that_begin_alike_are_near_from_a_likeness_that_the_caller_chooses():
    assert p.unknown_name("jump", "override_jump", ["override_gain"], cutoff=0.8).endswith("(allowed: override_gain)")
    assert p.unknown_name("jump", "override_gian", ["override_gain"], cutoff=0.8).endswith("'override_gain'?")
