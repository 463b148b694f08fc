"""jwst's own tests on gpipe: what of their imports is replaced, and how they are counted."""

import json

import pytest
from stdatamodels.jwst import datamodels

from benchmarks.jwst_tests import reasons
from benchmarks.jwst_tests.__main__ import is_unexplained, table
from benchmarks.jwst_tests.absent import Absent, AbsentError
from benchmarks.jwst_tests.keywords import fill_in
from benchmarks.jwst_tests.substituted import substituted
from gpipe.datamodels import read_header


def imports(text, is_test=True):
    return substituted(text, is_test=is_test).splitlines()


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("from jwst.dq_init import DQInitStep", ["from gpipe.dq_init import DQInitStep"]),
        ("from jwst.reset.reset_step import ResetStep as R", ["from gpipe.reset.reset_step import ResetStep as R"]),
        ("from jwst.emicorr import emicorr_step", ["from gpipe.emicorr import emicorr_step"]),
        ("from jwst.pipeline import Detector1Pipeline", ["from gpipe.pipeline import Detector1Pipeline"]),
        ("from jwst.ami.tests.helpers import f", ["from jwst.ami.tests.helpers import f"]),
        ("from jwst.tweakreg import TweakRegStep", ["from jwst.tweakreg import TweakRegStep"]),
        ("from jwst.reset.tests.helpers import f", ["from tests_of_jwst.reset.tests.helpers import f"]),
        ("import numpy as np", ["import numpy as np"]),
        (
            "from jwst.superbias.bias_sub import do_correction as correct",
            ["from benchmarks.jwst_tests.functions import superbias as correct"],
        ),
        (
            "from jwst.saturation.saturation import flag_saturation",
            ["from benchmarks.jwst_tests.functions import saturation as flag_saturation"],
        ),
        (
            "from jwst.jump.jump import run_detect_jumps",
            [
                "from benchmarks.jwst_tests.absent import Absent",
                "run_detect_jumps = Absent('jwst.jump.jump.run_detect_jumps')",
            ],
        ),
    ],
)
def test_imports_are_replaced_where_gpipe_has_the_name(written, found):
    assert imports(written) == found


def test_a_helper_keeps_what_gpipe_does_not_have():
    assert imports("from jwst.jump.jump import run_detect_jumps", is_test=False) == [
        "from jwst.jump.jump import run_detect_jumps"
    ]


def test_what_is_absent_says_so_when_it_is_used():
    with pytest.raises(AbsentError, match=r"jwst\.jump\.jump\.f"):
        Absent("jwst.jump.jump.f")(3)
    with pytest.raises(AbsentError, match=r"jwst\.jump\.jump\.part"):
        Absent("jwst.jump.jump").part  # noqa: B018


def test_a_model_of_nothing_but_pixels_can_be_read_once_it_is_filled_in():
    model = datamodels.RampModel((2, 3, 8, 16))
    model.meta.instrument.name = "MIRI"
    fill_in(model.meta, model.shape)
    assert read_header(model).shape == (2, 3, 8, 16)
    assert (model.meta.instrument.detector, model.meta.exposure.ngroups) == ("MIRIMAGE", 3)


def test_counts_by_room_and_reason():
    def record(room, outcome, error="", message=""):
        test = f"tests_of_jwst/{room}/tests/test_a.py::test_b"
        return {"test": test, "outcome": outcome, "error": error, "message": message, "where": ""}

    records = [
        record("jump", "passed"),
        record("jump", "failed", "AbsentError", "jwst.jump.jump.f"),
        record("reset", "failed", "AssertionError", "1 == 2"),
        record("stpipe", "skipped"),
    ]
    lines = table(json.loads(json.dumps(records))).splitlines()
    assert "| jump | 1 | 2 |" in lines
    assert "| all | 1 | 4 |" in lines
    assert f"| {reasons.INSIDE} | 1 |" in lines
    assert f"| {reasons.UNEXPLAINED} | 1 |" in lines
    assert "| skipped by jwst | 1 |" in lines
    assert [is_unexplained(one) for one in records] == [False, False, True, False]
