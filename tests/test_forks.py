"""A forked child goes on, whatever another thread of its parent was doing."""

import gc
import logging
import os
import signal
import threading
import time
import warnings
from contextlib import ExitStack

import pytest
from helpers.stub_steps import StubPipeline, uncal

from gpipe import imports, thread_warnings
from gpipe.controller.products import folders
from gpipe.controller.references import crds_client
from gpipe.controller.reporting import records
from gpipe.controller.reporting.logs import Configuration
from gpipe.datamodels.files import core_asdf
from gpipe.datamodels.files import warnings as warnings_of_files
from gpipe.datamodels.references import cache, plane_cache
from gpipe.forks import Lock

LONG = 30.0
LOCKS = [module._lock for module in (cache, crds_client, folders, imports, plane_cache, records, thread_warnings)] + [
    warnings_of_files._libraries,
    core_asdf._manifests,
]

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


def in_child(function):
    """Exit status of a child that calls a function; it is killed where it hangs."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            function()
            status = 0
        finally:
            os._exit(status)
    until = time.monotonic() + LONG / 3
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "it hangs"


@pytest.fixture
def at_work():
    """A thread inside of some context managers; it leaves them at the end."""
    with ExitStack() as stack:

        def enter(*contexts):
            inside, end = threading.Event(), threading.Event()

            def work():
                with ExitStack() as held:
                    for context in contexts:
                        held.enter_context(context)
                    inside.set()
                    end.wait(LONG)

            thread = threading.Thread(target=work)
            thread.start()
            stack.callback(thread.join)
            stack.callback(end.set)
            assert inside.wait(LONG)

        yield enter


def test_locks_that_another_thread_holds_are_free(at_work):
    at_work(*LOCKS)

    def take_all():
        for lock in LOCKS:
            with lock:
                pass

    assert in_child(take_all) == 0


def test_a_lock_that_the_forking_thread_holds_stays_its_own():
    lock = Lock()
    taken = []

    def release():
        thread = threading.Thread(target=lambda: taken.append(lock._lock.acquire(blocking=False)))
        thread.start()
        thread.join()
        assert taken == [False]
        lock.__exit__()

    with lock:
        assert in_child(release) == 0


def test_what_another_thread_has_set_for_its_run_is_undone(at_work):
    gc.enable()
    before = logging.getLogger("gpipe").level, list(logging.getLogger("gpipe").handlers), warnings.showwarning

    def now():
        return logging.getLogger("gpipe").level, list(logging.getLogger("gpipe").handlers), warnings.showwarning

    at_work(records.installed(Configuration()), records.recorded(), imports.collector_at_rest())
    assert now() != before

    def look():
        assert now() == before
        assert gc.isenabled()

    assert in_child(look) == 0
    assert not gc.isenabled()


def test_blocks_of_the_forking_thread_stay():
    def look():
        logging.getLogger("gpipe").info("in the child")
        assert len(lines) == 1
        assert not gc.isenabled()

    with records.installed(Configuration(("null",))), records.recorded() as lines, imports.collector_at_rest():
        assert in_child(look) == 0
    assert lines == []


def test_a_child_calibrates_and_writes_while_another_thread_does(at_work, tmp_path, monkeypatch):
    for variable in ("CRDS_PATH", "CRDS_SERVER_URL"):
        monkeypatch.delenv(variable, raising=False)
    path = tmp_path / "jw01_uncal.fits"
    uncal().save(path)
    StubPipeline.call(path, output_dir=str(tmp_path / "parent"))
    at_work(*LOCKS, records.installed(Configuration()), records.recorded())
    assert in_child(lambda: StubPipeline.call(path, output_dir=str(tmp_path / "child"))) == 0
    found = [[file.name for file in (tmp_path / folder).iterdir()] for folder in ("parent", "child")]
    assert found[0] == found[1] != []
