"""Exposures that only the next step needs, which may then write to their data."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from gpipe.controller import Block, Cut, Pipeline, Step, Work, watch
from gpipe.controller.plan import chunk_size, threads

SEEN = []


class CutStep(Step):
    """Adds 1 to every sample, chunk by chunk."""

    alias = "cut"
    cal_step = "superbias"
    cut = Cut(Block.PIXELS, writes=("data",))

    def begin(self, outline, references, summary):
        return Work(lambda chunk: replace(chunk, data=chunk.data + 1))


class FlagStep(CutStep):
    """Changes no data."""

    cut = Cut(Block.PIXELS, writes=("groupdq",))

    def begin(self, outline, references, summary):
        return Work(lambda chunk: replace(chunk, groupdq=chunk.groupdq | 1))


class InPlaceStep(Step):
    """Doubles every sample, in its place where it may."""

    alias = "in_place"
    cal_step = "refpix"

    def overwrites(self, meta):
        return True

    def apply(self, exposure, references):
        SEEN.append(exposure.overwritable)
        data = exposure.data if exposure.overwritable else exposure.data.copy()
        data *= 2
        return replace(exposure, data=data)


class NewStep(InPlaceStep):
    """Never writes to what it gets."""

    def overwrites(self, meta):
        return False


def pipeline(*steps):
    class Steps(Pipeline):
        alias = "steps"
        step_defs: ClassVar = {f"step{number}": step for number, step in enumerate(steps)}

    return Steps


@pytest.fixture(autouse=True)
def _in_chunks(monkeypatch):
    """Chunks of two rows of the stub exposure."""
    SEEN.clear()
    monkeypatch.setattr(chunk_size, "CHUNK_SAMPLES", 128)
    monkeypatch.setattr(chunk_size, "FEWEST_SAMPLES", 64)
    monkeypatch.setattr(threads, "cores_of_this_process", lambda: 2)


def test_new_data_are_handed_over(model):
    result = pipeline(CutStep, InPlaceStep).call(model)
    assert SEEN == [True]
    assert (np.asarray(result.data) == 22).all()
    assert (model.data == 10).all()


@pytest.mark.parametrize(
    ("steps", "asked"),
    [
        pytest.param((InPlaceStep,), {}, id="the input of a user"),
        pytest.param((FlagStep, InPlaceStep), {}, id="data as they were"),
        pytest.param((CutStep, NewStep), {}, id="the step does not ask"),
        pytest.param((CutStep, InPlaceStep), {"step0": {"save_results": True}}, id="saved"),
        pytest.param((CutStep, InPlaceStep), {"step0": {"post_hooks": [lambda model: None]}}, id="a hook after"),
        pytest.param((CutStep, InPlaceStep), {"step1": {"pre_hooks": [lambda model: None]}}, id="a hook before"),
    ],
)
def test_what_somebody_else_may_have_is_not(model, steps, asked):
    result = pipeline(*steps).call(model, steps=asked)
    assert SEEN == [False]
    assert (np.asarray(result.data) == (22 if CutStep in steps else 20)).all()
    assert (model.data == 10).all()


def test_nor_one_chunk_which_may_share_arrays_with_the_input(model, monkeypatch):
    monkeypatch.setattr(chunk_size, "CHUNK_SAMPLES", 1 << 20)
    monkeypatch.setattr(chunk_size, "FEWEST_SAMPLES", 1 << 20)
    pipeline(CutStep, InPlaceStep).call(model)
    assert SEEN == [False]


def test_only_the_next_step_may_write(model):
    results = []
    with watch(lambda event: results.append(getattr(event, "result", None))):
        pipeline(CutStep, InPlaceStep, InPlaceStep).call(model)
    assert SEEN == [True, False]
    assert not any(result.overwritable for result in results if result is not None)


def test_the_plan_has_no_room_for_a_copy(model):
    _, in_place = pipeline(CutStep, InPlaceStep).plan(model).sections
    _, new = pipeline(CutStep, NewStep).plan(model).sections
    assert new.stored == 2 * in_place.stored
    assert new.at_work == in_place.at_work
