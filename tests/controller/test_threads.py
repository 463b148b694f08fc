import multiprocessing
from types import SimpleNamespace

import pytest

from gpipe.controller.plan import threads
from gpipe.exceptions import ParameterError
from gpipe.jump import JumpStep

TABLE = {1: (1, 1, 1, 1, 1), 2: (1, 1, 2, 2, 2), 3: (1, 1, 3, 3, 3), 4: (1, 2, 4, 3, 4), 64: (16, 32, 64, 3, 64)}


@pytest.mark.parametrize("cores", TABLE)
def test_words_and_numbers(cores):
    counted = tuple(threads.count(word, available=cores) for word in ("quarter", "half", "all", "3", 100))
    assert counted == TABLE[cores]


@pytest.mark.parametrize("word", ["none", "None", "ONE", "1", 1])
def test_one_worker(word):
    assert threads.count(word, available=8) == 1


@pytest.mark.parametrize("word", ["All cores", "2.5", -1, "0", "", None])
def test_anything_else_is_an_error(word):
    with pytest.raises(ParameterError, match=r"^maximum_cores: found .* expected a whole number of cores"):
        threads.count(word)


def test_inside_a_daemonic_worker_process():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(threads.count, ("all",)) >= 1


def exposure(backend="numpy", rows=None):
    return SimpleNamespace(backend=SimpleNamespace(name=backend), rows=rows)


@pytest.fixture
def five_cores(monkeypatch):
    monkeypatch.setattr(threads, "cores_of_this_process", lambda: 5)


@pytest.mark.usefixtures("five_cores")
def test_a_step_has_all_cores_for_a_whole_exposure_and_one_for_a_chunk_or_on_a_device():
    kinds = exposure(), exposure(rows=slice(0, 8)), exposure("cupy")
    assert [threads.inside(JumpStep(), kind) for kind in kinds] == [5, 1, 1]


@pytest.mark.usefixtures("five_cores")
def test_a_step_has_the_cores_that_the_user_says():
    step = JumpStep(maximum_cores="3")
    assert threads.inside(step, exposure()) == 3


@pytest.mark.usefixtures("five_cores")
def test_a_limit_binds_steps_of_all_kinds():
    jump = JumpStep(maximum_cores="all")
    with threads.limited_to(2):
        assert threads.of_steps([jump]) == threads.of_steps([]) == threads.inside(jump, exposure()) == 2
        assert threads.of_steps([JumpStep(maximum_cores="1")]) == 1
        with threads.limited_to(None):
            assert threads.of_steps([]) == 2
    with threads.limited_to("half"):
        assert threads.of_steps([]) == 2
    assert threads.of_steps([]) == 5


def test_a_limit_that_is_none():
    with pytest.raises(ParameterError, match=r"^cores: found 'many'"), threads.limited_to("many"):
        pass
