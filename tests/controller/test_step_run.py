"""The life of a step in a run: each part of it, on whole exposures and in chunks."""

import logging
import re
import weakref
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from astropy.io import fits
from helpers.stub_steps import AddStep, RateStep, TimesStep, uncal

from gpipe.backends.numpy import NumpyBackend
from gpipe.controller import Block, Cut, Pipeline, Produced, References, SideProduct, Skip, Step, StepDone, Work, watch
from gpipe.controller.plan import chunk_size
from gpipe.controller.products.saving import Saver
from gpipe.controller.references.resolution import Resolution
from gpipe.controller.run.chunks import Passed
from gpipe.controller.run.record import RunRecord
from gpipe.controller.run.section_run import on_whole
from gpipe.controller.run.step_run import StepRun, on_pieces
from gpipe.controller.run.tally import Tally
from gpipe.datamodels import Outline, Ramp, Superstripes, open_exposure
from gpipe.datamodels.exposures.assembly import Assembly
from gpipe.datamodels.exposures.chunks import chunks_of
from gpipe.exceptions import GpipeError


class CutStep(Step):
    """Adds 1 to every sample, chunk by chunk, and counts them."""

    alias = "cut"
    cal_step = "refpix"
    cut = Cut(Block.PIXELS, writes=("data",))

    def begin(self, outline, references, summary):
        if summary.get("skip"):
            raise Skip("the summary says so")

        def apply(chunk):
            return Produced((replace(chunk, data=chunk.data + 1),), counts={"samples": chunk.data.size})

        return Work(apply)


@pytest.fixture
def in_chunks(monkeypatch):
    """Chunks of two rows, or of one integration, of the stub exposure."""
    monkeypatch.setattr(chunk_size, "CHUNK_SAMPLES", 256)
    monkeypatch.setattr(chunk_size, "CHUNKS_OF_A_THREAD", 4)
    monkeypatch.setattr(chunk_size, "FEWEST_SAMPLES", 64)
    monkeypatch.setattr(chunk_size, "LEAST_ROWS", 2)


def of(step, *, top=None, run_step=None, halo=0):
    resolution = Resolution(steps={step.name: References({})})
    return StepRun(step, RunRecord(top or step, Saver("jw01_uncal.fits"), resolution, ()), run_step, halo)


@pytest.fixture
def ramp(model):
    return open_exposure(model, NumpyBackend())


@pytest.fixture
def outline(ramp):
    return Outline(ramp.header, ramp.backend, ramp.shape)


def tally(*products):
    """That of one chunk."""
    found = Tally("stub", 1, Assembly(2, by_rows=False), NumpyBackend())
    (whole,) = chunks_of(2, 2, by_rows=False)
    found.add(whole, whole.core, {}, products, 0.1)
    return found


# --- start, before, begin -------------------------------------------------------------------------------------------


def test_it_starts_with_a_look_at_skip(ramp, caplog):
    caplog.set_level(logging.INFO, "gpipe")
    run = of(AddStep(skip=True))
    run.start(ramp.meta)
    run.begin(run.before(ramp))
    assert (run.status, run.stage, caplog.messages) == ("SKIPPED", None, [])


def test_it_starts_with_the_log_and_its_predecessors(ramp, caplog):
    caplog.set_level(logging.DEBUG, "gpipe")
    of(TimesStep()).start(ramp.meta)
    assert caplog.messages == [
        "Step times running",
        "Step times expects that dq_init and refpix ran before it; they did not",
    ]


def test_a_predecessor_in_the_same_section_has_started(ramp, caplog):
    record = RunRecord(TimesStep(), Saver(), Resolution(), ())
    StepRun(CutStep(), record, None).start(ramp.meta)
    StepRun(TimesStep(), record, None).start(ramp.meta)
    assert caplog.messages == ["Step times expects that dq_init ran before it; it did not"]


def test_a_predecessor_in_the_same_section_may_be_skipped(ramp, caplog):
    record = RunRecord(TimesStep(), Saver(), Resolution(), ())
    StepRun(CutStep(skip=True), record, None).start(ramp.meta)
    StepRun(TimesStep(), record, None).start(ramp.meta)
    assert caplog.messages == ["Step times expects that dq_init ran before it; it did not"]


def test_hooks_change_the_exposure_before_it(ramp):
    twice = replace(ramp, data=2 * ramp.data)
    run = of(AddStep(pre_hooks=[TimesStep]), run_step=lambda hook, exposure: twice)
    assert run.before(ramp) is twice


def test_it_begins_again_with_another_summary_only(outline):
    run = of(CutStep())
    summary = {}
    run.begin(outline, summary)
    first = run.stage
    run.begin(outline, summary)
    assert (run.stage, run.status) == (first, "COMPLETE")
    run.begin(outline, {"dead": True})
    assert run.stage is not first


def test_a_step_that_does_not_apply_is_skipped_when_it_begins(outline, caplog):
    run = of(CutStep())
    run.begin(outline, {"skip": True})
    assert (run.status, run.stage) == ("SKIPPED", None)
    assert "Step cut skipped: the summary says so" in caplog.messages
    run.begin(outline, {})
    assert run.status == "COMPLETE"


def test_a_step_on_the_whole_may_say_so_later(ramp, outline):
    run = of(AddStep(minimum_groups=9))
    given = run.before(ramp)
    run.begin(outline)
    assert run.stage.work.apply(given) is ramp
    assert (run.status, run.stage) == ("SKIPPED", None)


def test_the_halo_is_that_of_the_section(outline):
    run = of(CutStep(), halo=3)
    run.begin(outline)
    assert run.stage.halo == 3


# --- end, record, hooks, side products, save ------------------------------------------------------------------------


def test_the_work_ends_with_the_counts_of_all_chunks(model, in_chunks):
    heard = []

    class Ending(CutStep):
        def begin(self, outline, references, summary):
            return replace(super().begin(outline, references, summary), end=heard.append)

    assert np.all(Ending.call(model).data == 11)
    assert heard == [{"samples": 2 * 4 * 8 * 8}]


class CountingRows(CutStep):
    """Counts the samples of each row."""

    how: ClassVar = Block.ROWS
    heard: ClassVar = []

    def block(self, meta):
        return self.how

    def begin(self, outline, references, summary):
        def apply(chunk):
            rows = np.full(chunk.shape[-2], np.prod(chunk.shape) // chunk.shape[-2])
            return Produced((chunk,), counts={"samples": rows})

        return Work(apply, end=self.heard.append)


@pytest.mark.parametrize("how", [Block.ROWS, Block.INTEGRATIONS, Block.EXPOSURE])
def test_counts_by_row_are_those_of_the_whole_exposure_however_it_is_cut(model, in_chunks, how, monkeypatch):
    monkeypatch.setattr(CountingRows, "how", how)
    monkeypatch.setattr(CountingRows, "heard", [])
    CountingRows.call(model)
    assert CountingRows.heard == [{"samples": 2 * 4 * 8 * 8}]


class OwnApply(CutStep):
    """A user's step, made of one that works on chunks."""

    def apply(self, exposure, references):
        ours = super().apply(exposure, references)
        return replace(ours, data=ours.data + 100)


class OwnBegin(AddStep):
    """The other way round."""

    cal_step = "dq_init"

    def begin(self, outline, references, summary):
        return Work(lambda chunk: replace(chunk, data=chunk.data + 50))


@pytest.mark.parametrize("hooks", [[], [lambda model: None]])
@pytest.mark.parametrize(("step", "added"), [(OwnApply, 101), (OwnBegin, 50)])
def test_what_a_subclass_implements_is_what_runs(model, in_chunks, step, added, hooks):
    before = model.data.copy()
    np.testing.assert_array_equal(step.call(model, post_hooks=hooks).data, before + added)


@pytest.mark.parametrize("status", ["COMPLETE", "SKIPPED"])
def test_the_status_is_recorded(ramp, status):
    run = of(AddStep())
    run.status = status
    run.record([ramp])
    assert ramp.meta.cal_step.instance["add"] == status


@pytest.mark.parametrize("step", [AddStep, CutStep])
def test_hooks_see_the_status(model, step):
    seen = []
    step.call(model, post_hooks=[lambda m: seen.append(m.meta.cal_step.instance[step.cal_step])])
    assert seen == ["COMPLETE"]


def test_results_have_metadata_of_their_own(ramp):
    first, second = of(RateStep()).close((ramp, ramp), tally())
    assert first.header is ramp.header
    assert second.header is not ramp.header


def test_side_products_are_recorded_and_saved(ramp, tmp_path):
    run = of(AddStep())
    run.status = "COMPLETE"
    run.close([ramp], tally(SideProduct(ramp, suffix="extra")))
    assert fits.getval(tmp_path / "jw01_extra.fits", "CAL_VER").startswith("gpipe ")


def test_results_of_a_step_of_a_pipeline_are_saved(ramp, tmp_path):
    run = of(AddStep(save_results=True), top=TimesStep())
    run.status = "COMPLETE"
    run.save([ramp])
    assert (tmp_path / "jw01_add.fits").exists()


class Both(Pipeline):
    alias = "both"
    step_defs: ClassVar = {"cut": CutStep, "add": AddStep}


@pytest.mark.parametrize("name", ["cut", "add"])
def test_what_is_said_and_heard_is_the_same_for_whole_and_cut(path, caplog, in_chunks, name):
    caplog.set_level(logging.INFO, "gpipe")
    heard = []
    with watch(lambda event: heard.append((type(event).__name__, event.name))):
        Both.call(path, steps={name: {"save_results": True}})
    assert [event for event in heard if event[1] == name and event[0] != "ChunkDone"] == [
        ("StepStarted", name),
        ("StepDone", name),
    ]
    said = [message for message in caplog.messages if message.startswith((f"{name} ", "Saved"))]
    assert said[0] == f"Saved {path.name.replace('uncal', name)}"
    assert re.fullmatch(r"cut \d+\.\d\d s: 512 samples|add \d+\.\d\d s", said[1])
    assert len(said) == 2


def test_what_came_to_a_step_is_gone_before_its_hooks(path):
    came, alive = [], []

    class Watched(AddStep):
        def apply(self, exposure, references):
            came.append(weakref.ref(exposure.data))
            return super().apply(exposure, references)

    Watched.call(path, post_hooks=[lambda model: alive.append(came[0]() is not None)])
    assert alive == [False]


# --- side products of chunks ----------------------------------------------------------------------------------------


class SideStep(CutStep):
    """Writes twice the exposure on the side; looks at rows around a chunk."""

    how: ClassVar = Block.ROWS

    cut = Cut(Block.PIXELS, writes=("data",), halo=1)

    def block(self, meta):
        return self.how

    def begin(self, outline, references, summary):
        def apply(chunk):
            return Produced((chunk,), (SideProduct(replace(chunk, data=2 * chunk.data), suffix="twice"),))

        return Work(apply)


class OfIntegrations(SideStep):
    how = Block.INTEGRATIONS


@pytest.mark.parametrize("step", [SideStep, OfIntegrations])
@pytest.mark.parametrize("limit", [None, "60 kB"])
def test_side_products_of_chunks_are_joined(model, tmp_path, in_chunks, step, limit):
    model.data[...] = np.arange(model.data.size).reshape(model.data.shape)
    plan = step.plan(model, max_memory=limit)
    assert plan.sections[0].count > 1
    step.call(model, max_memory=limit)
    np.testing.assert_array_equal(fits.getdata(tmp_path / "jw01_twice.fits"), 2 * model.data)


class ModelOnTheSide(SideStep):
    def begin(self, outline, references, summary):
        return Work(lambda chunk: Produced((chunk,), (SideProduct(uncal(), suffix="model"),)))


def test_a_side_product_of_chunks_that_cannot_be_joined_names_the_step(model, in_chunks):
    with pytest.raises(GpipeError, match=r"^step cut: found a Level1bModel as side product of a chunk"):
        ModelOnTheSide.call(model)


def test_one_chunk_may_make_anything(model, tmp_path):
    ModelOnTheSide.call(model)
    assert (tmp_path / "jw01_model.fits").exists()


def test_a_side_product_of_some_chunks_only_names_the_step(model, in_chunks):
    class Sometimes(SideStep):
        def begin(self, outline, references, summary):
            def apply(chunk):
                return Produced((chunk,), (SideProduct(chunk, suffix="some"),) if chunk.rows.start == 0 else ())

            return Work(apply)

    with pytest.raises(GpipeError, match=r"^step cut: found side products of some chunks only"):
        Sometimes.call(model)


class Late(CutStep):
    def begin(self, outline, references, summary):
        def apply(chunk):
            raise Skip("too late")

        return Work(apply)


class ChangingCompanions(CutStep):
    def begin(self, outline, references, summary):
        return Work(lambda chunk: Produced((chunk,), companions={"background": (chunk,)}))


@pytest.mark.parametrize(
    ("step", "found"), [(Late, r"found Skip for a chunk \(too late\)"), (ChangingCompanions, "found companions")]
)
def test_a_chunk_cannot_do_what_the_whole_exposure_has_to(model, in_chunks, step, found):
    with pytest.raises(GpipeError, match=f"^step cut: {found}"):
        step.call(model)


# --- errors ---------------------------------------------------------------------------------------------------------


def broken(error, where):
    class Broken(CutStep):
        def begin(self, outline, references, summary):
            def fail(given):
                raise error("oh")

            if where == "begin":
                fail(outline)
            return Work(fail) if where == "apply" else Work(lambda chunk: chunk, fail)

    class BrokenOnWhole(Broken):
        def block(self, meta):
            return Block.EXPOSURE

    return Broken, BrokenOnWhole


@pytest.mark.parametrize("cut", [True, False])
@pytest.mark.parametrize("where", ["begin", "apply", "end"])
def test_unexpected_errors_name_the_step_and_the_file(model, in_chunks, cut, where):
    step = broken(ZeroDivisionError, where)[0 if cut else 1]
    with pytest.raises(ZeroDivisionError) as caught:
        step.call(model)
    assert caught.value.__notes__ == ["in step cut of gpipe, on jw01_uncal.fits"]


@pytest.mark.parametrize("cut", [True, False])
def test_errors_of_gpipe_have_no_note(model, in_chunks, cut):
    with pytest.raises(GpipeError) as caught:
        broken(GpipeError, "apply")[0 if cut else 1].call(model)
    assert not hasattr(caught.value, "__notes__")


# --- pieces ---------------------------------------------------------------------------------------------------------


def superstripes(ramp):
    pixeldq = np.zeros((2, *ramp.shape[2:]), np.uint32)
    return Superstripes(ramp.header, ramp.backend, data=ramp.data, groupdq=ramp.groupdq, pixeldq=pixeldq)


@pytest.mark.parametrize("accepts", [Ramp, Superstripes])
def test_a_composite_goes_piece_by_piece_unless_the_step_takes_it_whole(ramp, accepts):
    seen = []

    class Seeing(AddStep):
        def apply(self, exposure, references):
            seen.append(type(exposure))
            return exposure

    Seeing.accepts = accepts
    (found,) = on_whole(of(Seeing()), superstripes(ramp))
    assert isinstance(found, Superstripes)
    assert set(seen) == {accepts}


@pytest.mark.parametrize("step", [AddStep, CutStep])
def test_pieces_are_changed_whichever_way_the_step_works(ramp, step):
    (found,) = on_whole(of(step()), superstripes(ramp))
    np.testing.assert_array_equal(found.data, ramp.data + 1)


def test_a_dropped_pass_holds_no_arrays(ramp):
    passed = Passed([ramp], {"stub": tally()}, {})
    passed.drop()
    assert (passed.exposures, passed.tallies) == ([], {})


def test_only_watchers_hear_how_long_it_took(model, in_chunks):
    heard = []
    with watch(heard.append):
        Both.call(model)
    assert all(event.seconds > 0 for event in heard if isinstance(event, StepDone))


@pytest.mark.parametrize("more", [{"side_products": (SideProduct(None),)}, {"companions": {"background": ()}}])
def test_what_a_composite_cannot_hold_is_refused(ramp, more):
    class More(AddStep):
        def apply(self, exposure, references):
            return Produced((exposure,), **more)

    with pytest.raises(GpipeError, match="step add: found several products of a piece"):
        on_pieces(More(), References({})).apply(superstripes(ramp))


def test_a_piece_may_come_back_with_counts(ramp):
    stripes = on_pieces(CutStep(), References({})).apply(superstripes(ramp))
    np.testing.assert_array_equal(stripes.data, ramp.data + 1)
