"""Pipelines that return a list, leave out steps by what is given, and have steps that make products of their own."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from helpers.stub_associations import SubtractStep, members, save_uncal
from helpers.stub_steps import AddStep, TimesStep
from stdatamodels.jwst import datamodels

import gpipe.backends
from gpipe.controller import Pipeline, Skip
from gpipe.controller import parameters as p
from gpipe.datamodels import Ramp, open_exposure


class CoarseStep(TimesStep):
    """Makes something else of an exposure."""

    alias = "coarse"
    cal_step = "resample"
    after = ()
    fails = p.Boolean(False)
    gives_up = p.Boolean(False)

    def apply(self, exposure, references):
        if self.fails:
            raise ValueError("no memory")
        if self.gives_up:
            raise Skip("too small")
        return replace(exposure, data=2 * exposure.data)


class BranchingPipeline(Pipeline):
    """Subtracts, adds; a coarse product on the side."""

    alias = "branching"
    returns_list = True
    names_association = True
    own_products = ("coarse",)
    step_defs: ClassVar = {"subtract": SubtractStep, "add": AddStep, "coarse": CoarseStep}
    wants = p.Boolean(True)
    old = p.Boolean(False, deprecated="The old parameter is deprecated; use the new one.")

    def leaves_out(self, name, given):
        return name == "subtract" and "background" not in given.exptypes

    def wants_product(self, name, meta):
        return self.wants

    def suffixes(self, shape, step=None):
        return {None: ("main",), "coarse": ("i2d",)}.get(step, (None,))

    def suffix_of(self, result, step):
        return self.suffixes(result.shape, step)[0]


def call(source, **parameters):
    return BranchingPipeline.call(source, configure_log=False, **parameters)


def files():
    return sorted(path.name for path in Path().glob("*_*") if "uncal" not in path.name)


def test_the_result_is_a_list_and_nobody_who_gets_the_product_means_no_work(path, caplog):
    (result,) = call(path, steps={"coarse": {"fails": True}})
    assert np.all(result.data == 11)
    assert result.meta.cal_step.resample is None
    assert "subtract" not in result.meta.cal_step.instance
    assert files() == []
    (in_flight,) = call(open_exposure(path, gpipe.backends.get("numpy")))
    assert isinstance(in_flight, Ramp)


def test_the_product_is_made_of_the_result_which_stays_as_it_is(path):
    (result,) = call(path, save_results=True)
    assert files() == ["jw01_i2d.fits", "jw01_main.fits"]
    with datamodels.open("jw01_main.fits") as main, datamodels.open("jw01_i2d.fits") as coarse:
        assert (main.data.max(), coarse.data.min()) == (11, 22)
        assert [one.meta.cal_step.resample for one in (result, main, coarse)] == [None, None, "COMPLETE"]
        assert coarse.meta.filename == "jw01_i2d.fits"


def test_its_step_may_ask_for_it_alone_and_hooks_get_it(path):
    heard = []
    call(path, steps={"coarse": {"save_results": True}})
    assert files() == ["jw01_i2d.fits"]
    call(path, steps={"coarse": {"post_hooks": [lambda model: heard.append(float(model.data.max()))]}})
    assert heard == [22]


@pytest.mark.parametrize("parameters", [{"steps": {"coarse": {"skip": True}}}, {"wants": False}])
def test_without_it_the_result_says_so(path, parameters):
    (result,) = call(path, save_results=True, **parameters)
    assert files() == ["jw01_main.fits"]
    assert result.meta.cal_step.resample == "SKIPPED"


def test_an_error_comes_after_the_result_is_saved(path):
    with pytest.raises(ValueError, match="no memory"):
        call(path, save_results=True, steps={"coarse": {"fails": True}})
    assert files() == ["jw01_main.fits"]


def test_a_step_that_gives_up_makes_no_file(path):
    call(path, save_results=True, steps={"coarse": {"gives_up": True}})
    assert files() == ["jw01_main.fits"]


def test_products_are_planned_and_claimed(path):
    (plan,) = BranchingPipeline.plan(path, save_results=True)
    assert [product.path.name for product in plan.products] == ["jw01_main.fits", "jw01_i2d.fits"]
    assert [step.name for step in plan.steps] == ["add", "coarse"]
    (plan,) = BranchingPipeline.plan(path)
    assert plan.steps[-1].reason == "nobody gets its product"


def test_a_step_runs_where_there_is_something_for_it(path):
    save_uncal(path.parent, "a_uncal.fits", 4)
    found = members(science=path.name, background="a_uncal.fits")
    (result,) = call({"products": [{"members": found}]})
    assert np.all(result.data == 7)


def test_a_deprecated_parameter_warns(path, caplog):
    with pytest.warns(DeprecationWarning, match="The old parameter is deprecated"):
        call(path, old=True)
    assert "The old parameter is deprecated; use the new one." in caplog.messages
