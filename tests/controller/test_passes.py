"""Passes: one where summaries are known, a second where a sample misled or counts of the whole exposure ask for it."""

import logging
import re
import weakref
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from gpipe.controller import Block, Cut, Pipeline, Preview, Produced, Step, StepStarted, SummaryOf, Work, watch
from gpipe.controller.plan import chunk_size
from gpipe.datamodels.exposures.assembly import Assembly

BEGUN = []


class EarlyStep(Step):
    """Adds 1 to the data."""

    alias = "early"
    cal_step = "dq_init"
    cut = Cut(Block.PIXELS, writes=("data",))

    def begin(self, outline, references, summary):
        BEGUN.append(self.name)
        return Work(lambda chunk: replace(chunk, data=chunk.data + 1))


class LateStep(Step):
    """Adds 1 to flags where the summary is true of all rows, else 2."""

    alias = "late"
    cal_step = "saturation"
    cut = Cut(Block.ROWS, writes=("groupdq",), summary=SummaryOf(("data",), preview=Preview.SAMPLE))
    level = 11

    def summarize(self, chunk):
        return {"bright": chunk.data[0, :, :, 0] >= self.level}

    def begin(self, outline, references, summary):
        BEGUN.append(self.name)
        flag = np.uint8(1 if summary["bright"].all() else 2)
        return Work(lambda chunk: replace(chunk, groupdq=chunk.groupdq + flag))


class OtherStep(LateStep):
    """The same with a summary that is true of all rows."""

    alias = "other"
    cal_step = "superbias"
    level = 1


class BorderStep(OtherStep):
    """The same with a summary from the border, which is not compared with anything."""

    alias = "border"
    cal_step = "refpix"
    cut = Cut(Block.ROWS, writes=("groupdq",), summary=SummaryOf(("data",), preview=Preview.BORDER))


class Speculating(Pipeline):
    alias = "speculating"
    step_defs: ClassVar = {"early": EarlyStep, "late": LateStep, "other": OtherStep, "border": BorderStep}


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(chunk_size, "CHUNK_SAMPLES", 128)
    monkeypatch.setattr("gpipe.controller.plan.threads.of_steps", lambda steps: 2)
    BEGUN.clear()


def repeated(caplog):
    return [message for message in caplog.messages if message.startswith("Repeating")]


def test_a_section_with_a_preview_is_one_pass_where_the_sample_is_right(model, caplog):
    caplog.set_level(logging.INFO, "gpipe")
    assert "after a preview" in str(Speculating.plan(model))
    assert np.all(Speculating.call(model).groupdq == 3)
    assert BEGUN == ["early", "late", "other", "border"]
    assert repeated(caplog) == []


def test_only_the_misled_step_begins_again_and_each_is_logged_once(model, caplog):
    caplog.set_level(logging.DEBUG, "gpipe")
    model.data[:, :, 1] = 5  # is not among the brightest rows
    heard = []
    with watch(heard.append):
        result = Speculating.call(model, configure_log=False)
    assert np.all(result.groupdq == 4)
    assert np.array_equal(result.data, model.data + 1)
    assert BEGUN == ["early", "late", "other", "border", "late"]
    assert repeated(caplog) == ["Repeating the pass: the sampled pixels were not representative for late"]
    names = list(Speculating.step_defs)
    ended = [message.split()[0] for message in caplog.messages if re.match(r"\w+ \d+\.\d\d s", message)]
    assert ended == names
    assert [m for m in caplog.messages if m.endswith(" running")] == [f"Step {name} running" for name in names]
    assert [event.name for event in heard if isinstance(event, StepStarted)] == names
    assert all(getattr(result.meta.cal_step, step.cal_step) == "COMPLETE" for step in Speculating.step_defs.values())


def test_a_first_step_summarizes_an_exposure_that_nobody_has_read(model):
    model.data[:, :, 1] = 5
    assert np.all(LateStep.call(model).groupdq == 2)
    model.data[...] = 11
    assert np.all(LateStep.call(model).groupdq == 1)


class FixingStep(EarlyStep):
    """Adds 1 to the data; the counts of all chunks ask for twice as much."""

    alias = "fixing"

    def begin(self, outline, references, summary):
        BEGUN.append(self.name)

        def apply(chunk):
            return Produced((replace(chunk, data=chunk.data + 1),), counts={"rows": chunk.shape[2]})

        def fix(counts):
            assert counts["rows"] == 8
            return lambda chunk: replace(chunk, data=chunk.data + 1)

        return Work(apply, fix=fix)


class Fixing(Pipeline):
    alias = "fixing_pipeline"
    step_defs: ClassVar = {"fixing": FixingStep, "early": EarlyStep}


def test_counts_of_the_whole_exposure_repeat_the_pass_with_the_same_work(model, caplog):
    caplog.set_level(logging.INFO, "gpipe")
    assert np.all(Fixing.call(model).data == 13)
    assert repeated(caplog) == ["Repeating the pass: counts of the whole exposure change results of fixing"]
    assert BEGUN == ["fixing", "early"]


def test_counts_fix_an_exposure_that_is_not_cut_without_a_second_pass(model, caplog):
    caplog.set_level(logging.INFO, "gpipe")
    result = Fixing.call(model, steps={"fixing": {"post_hooks": [lambda given: None]}})
    assert np.all(result.data == 13)
    assert (repeated(caplog), BEGUN) == ([], ["fixing", "early"])


def test_the_results_of_a_pass_are_gone_before_the_next_one_ends(model, monkeypatch):
    found, alive = [], []
    plainly = Assembly.whole

    def whole(assembly):
        alive.append([result() is not None for result in found])
        found.append(weakref.ref(plainly(assembly)[0].data))
        return plainly(assembly)

    monkeypatch.setattr(Assembly, "whole", lambda self: whole(self) if plainly(self) else [])
    Fixing.call(model)
    assert alive == [[], [False]]
