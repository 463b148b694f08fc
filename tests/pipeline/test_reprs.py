"""Objects that users hold say in a line what they are, and never where in memory they lie."""

import re
from pathlib import Path

from helpers.stub_steps import AddStep, uncal

import gpipe.step
from gpipe.backends import get
from gpipe.batch import Outcome, RunReport
from gpipe.datamodels import open_exposure, read_header
from gpipe.exceptions import ExposureErrors, InputError
from gpipe.pipeline import DarkPipeline, Detector1Pipeline

OUTCOMES = (Outcome("a", 1.0, (Path("a_rate.fits"),)), Outcome("b<", 1.0, error=InputError("b: is wrong")))
ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


def in_flight():
    return open_exposure(uncal(), get("numpy"))


def held():
    """All kinds of objects that a user gets from gpipe."""
    exposure = in_flight()
    yield from (exposure, read_header(uncal()), AddStep.plan(uncal()), RunReport(OUTCOMES, 14.0), *OUTCOMES)
    yield from (Detector1Pipeline(), DarkPipeline(), Detector1Pipeline.call, AddStep().origin("amount"))
    yield from (getattr(gpipe.step, name)() for name in gpipe.step.__all__)
    yield AddStep(post_hooks=[lambda model: model, print, AddStep(), AddStep])
    yield ExposureErrors("1 of 2 failed", [InputError("b")], [exposure])


def test_nothing_has_an_address_in_its_repr():
    for one in held():
        assert not ADDRESS.search(repr(one)), repr(one)
        assert not ADDRESS.search(getattr(one, "_repr_html_", str)()), type(one)
        assert "\n" not in repr(one), repr(one)


def test_an_exposure_in_flight_is_told_by_name_detector_shape_and_device():
    exposure = in_flight()
    shape = " x ".join(map(str, exposure.shape))
    detector = exposure.meta.instrument.detector
    assert repr(exposure) == f"Ramp({exposure.meta.filename}, {detector}, {shape}, on numpy)"
    assert f"<td>groupdq</td><td>{shape}</td><td>uint8</td>" in exposure._repr_html_()


def test_a_plan_and_a_report_are_told_in_a_line_and_in_a_list():
    plan, report = AddStep.plan(uncal()), RunReport(OUTCOMES, 14.0)
    assert re.fullmatch(r"RunPlan\(.*, \d+ x .*, 1 sections on numpy, up to .*B\)", repr(plan))
    assert plan._repr_html_().count("<li>") == len(str(plan).splitlines()) - 1
    assert repr(report) == "RunReport(1 of 2 done in 14 s, 1 failed: b< (input))"
    assert "<td>b&lt;</td><td>1.0</td><td></td><td>✗ input: b: is wrong</td>" in report._repr_html_()
