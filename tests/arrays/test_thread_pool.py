"""Threads of a pool work in the context of whoever gives them work, and end when they are told to."""

import threading
import time
from contextvars import ContextVar

import pytest

from gpipe.arrays.blocks import for_each
from gpipe.arrays.threads import ThreadPool

LONG = 30.0
name = ContextVar("name", default="nobody")


def test_threads_have_the_context_of_the_work():
    with ThreadPool(1) as pool:
        before = pool.submit(name.get)
        token = name.set("somebody")
        after = pool.submit(name.get)
        name.reset(token)
        assert (before.result(), after.result(), pool.submit(name.get).result()) == ("nobody", "somebody", "nobody")


def test_blocks_are_worked_on_in_the_context_of_the_caller():
    token = name.set("somebody")
    try:
        assert for_each(lambda _: name.get(), range(4), workers=2) == ["somebody"] * 4
    finally:
        name.reset(token)


def test_an_interrupt_while_threads_end_is_passed_on_when_they_have(monkeypatch):
    join, interrupts = threading.Thread.join, iter([True])

    def interrupted(self, *arguments):
        if next(interrupts, False):
            raise KeyboardInterrupt
        join(self, *arguments)

    pool, done = ThreadPool(2), []
    pool.submit(lambda: (time.sleep(0.05), done.append(1)))
    monkeypatch.setattr(threading.Thread, "join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pool.shutdown()
    assert done == [1]
    assert not any(thread.is_alive() for thread in pool._threads)


def test_an_interrupt_while_a_thread_starts_is_passed_on_when_it_has_ended(monkeypatch):
    start, done = threading.Thread.start, []

    def interrupted(self):
        start(self)
        raise KeyboardInterrupt

    pool = ThreadPool(2)
    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt), pool:
        pool.submit(lambda: (time.sleep(0.05), done.append(1)))
    assert done == [1]
