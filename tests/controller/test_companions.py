from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from helpers.stub_associations import (
    CatalogStep,
    CompanionPipeline,
    CompanionPipelineInChunks,
    RaiseBackgroundsInChunksStep,
    SubtractInChunksStep,
    SubtractStep,
    members,
    save_uncal,
)
from helpers.stub_steps import StubPipeline

import gpipe.backends
from gpipe.controller import NO_COMPANIONS, Companion, Companions
from gpipe.datamodels import open_exposure
from gpipe.exceptions import InputError


@pytest.fixture
def asn(path):
    """A product with two backgrounds in the current folder, whose mean is 5."""
    save_uncal(path.parent, "a_uncal.fits", 4)
    save_uncal(path.parent, "b_uncal.fits", 6)
    found = members(science=path.name, Background="a_uncal.fits", BACKGROUND="b_uncal.fits", other="none.fits")
    return {"products": [{"members": found}]}


@pytest.fixture
def ramp(model):
    return open_exposure(model, gpipe.backends.get("numpy"))


@pytest.mark.parametrize("step", [SubtractStep, SubtractInChunksStep])
def test_a_step_gets_the_companions_that_it_declares(asn, path, step):
    (result,) = step.call(asn)
    assert np.all(result.data == 5)
    assert result.meta.cal_step.instance["subtract"] == "COMPLETE"
    assert step.call(path).meta.cal_step.instance["subtract"] == "SKIPPED"


@pytest.mark.parametrize("pipeline", [CompanionPipeline, CompanionPipelineInChunks])
def test_later_steps_get_what_a_step_made_of_companions(asn, pipeline):
    assert np.all(pipeline.call(asn)[0].data == 11 - 105)
    (without,) = pipeline.call(asn, steps={"raise_backgrounds": {"skip": True}})
    assert np.all(without.data == 11 - 5)


def test_a_step_that_begins_once_more_gets_the_same_companions(asn, caplog):
    class BeginsTwice(RaiseBackgroundsInChunksStep):
        def begin(self, outline, references, summary, companions=NO_COMPANIONS):
            work = super().begin(outline, references, summary, companions)
            return replace(work, fix=lambda counts: lambda chunk: chunk)

    class RepeatingPipeline(CompanionPipelineInChunks):
        step_defs: ClassVar = CompanionPipelineInChunks.step_defs | {"raise_backgrounds": BeginsTwice}

    caplog.set_level("INFO")
    assert np.all(RepeatingPipeline.call(asn)[0].data == 11 - 105)
    assert any(message.startswith("Repeating the pass") for message in caplog.messages)


def test_companions_do_not_travel_from_one_job_to_the_next(asn):
    two = {"products": asn["products"] * 2}
    assert [float(r.data[0, 0, 0, 0]) for r in CompanionPipeline.call(two)] == [11 - 105] * 2


@pytest.mark.parametrize("step", ["raise_backgrounds", "subtract"])
def test_steps_with_hooks_have_companions_too(asn, step):
    heard = []
    options = {"steps": {step: {"post_hooks": [lambda m: heard.append(float(m.data.max()))]}}}
    assert np.all(CompanionPipelineInChunks.call(asn, **options)[0].data == 11 - 105)
    assert heard == [{"raise_backgrounds": 11, "subtract": 11 - 105}[step]]


def test_a_catalogue_is_a_path(path):
    (path.parent / "cat.ecsv").write_text("1\n2\n3\n")
    source = {"products": [{"members": members(science=path.name, SourceCat="cat.ecsv")}]}
    assert np.all(CatalogStep.call(source)[0].data == 13)


def test_files_that_no_step_declares_are_not_looked_for(asn):
    assert np.all(StubPipeline.call(asn)[0].data == 22)


def test_a_missing_companion_is_told_before_any_work_unless_its_steps_are_skipped(asn, path):
    heard = []
    (path.parent / "b_uncal.fits").unlink()
    with pytest.raises(InputError, match=r"singleton: product 1, member 'b_uncal.fits': found no file"):
        CompanionPipeline.call(asn, pre_hooks=[heard.append])
    assert heard == []
    skipped = {"raise_backgrounds": {"skip": True}, "subtract": {"skip": True}}
    assert np.all(CompanionPipeline.call(asn, steps=skipped)[0].data == 11)


def test_companions_by_type(ramp):
    companions = Companions({"background": [Companion("a.fits"), ramp], "psf": [Companion("p.fits")]})
    assert [one.name for one in companions["background"]] == ["a.fits", "jw01_uncal.fits"]
    assert companions["imprint"] == ()
    assert list(companions.only(["psf", "imprint"])) == ["psf", "imprint"]
    changed = companions.changed({"background": [ramp]})
    assert [len(changed["background"]), len(changed["psf"]), len(companions["background"])] == [1, 1, 2]
    assert list(NO_COMPANIONS) == []


def test_an_exposure_in_flight_is_opened_anew_and_is_no_file(ramp):
    (companion,) = Companions({"background": [ramp]})["background"]
    opened = companion.open(ramp.backend)
    assert opened.data is ramp.data
    opened.meta.cal_step.dq_init = "COMPLETE"
    assert ramp.meta.cal_step.dq_init is None
    assert companion.header().shape == ramp.shape
    with pytest.raises(InputError, match=r"jw01_uncal\.fits: found an exposure in flight, expected a file"):
        companion.path  # noqa: B018


def test_companions_of_a_file_open_when_asked(path):
    companion = Companion(path.name, path.parent, "it")
    assert companion.path == path
    assert companion.open(gpipe.backends.get("numpy")).shape == companion.header().shape == (2, 4, 8, 8)
