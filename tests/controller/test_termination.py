"""SIGTERM lets a run clean up, and then ends the process as it would without gpipe."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from helpers.stub_steps import AddStep

from gpipe.controller.run import termination
from gpipe.controller.run.chunks import in_turn
from gpipe.controller.run.termination import Terminated, ends_cleanly

TESTS = Path(__file__).parents[1]


@pytest.fixture
def sent(monkeypatch):
    """Signals that a block sends to its process at its end; here none arrives."""
    signals = []
    monkeypatch.setattr(termination.os, "kill", lambda process, number: signals.append((process, number)))
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    yield signals
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def test_the_block_is_unwound_and_the_process_ends_by_the_signal(sent):
    cleaned = []

    def work():
        with ends_cleanly():
            try:
                signal.raise_signal(signal.SIGTERM)
            finally:
                cleaned.append(signal.raise_signal(signal.SIGTERM))  # a second one does not disturb this

    with pytest.raises(Terminated):
        work()
    assert cleaned == [None]
    assert sent == [(os.getpid(), signal.SIGTERM)]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_code_that_catches_everything_does_not_keep_the_process_alive(sent):
    with ends_cleanly(), suppress(BaseException):  # as hooks of users do
        signal.raise_signal(signal.SIGTERM)
    assert sent == [(os.getpid(), signal.SIGTERM)]


@pytest.mark.parametrize("handler", [lambda number, frame: None, signal.SIG_IGN])
def test_a_handler_of_the_user_is_left_alone(sent, handler):
    signal.signal(signal.SIGTERM, handler)
    with ends_cleanly():
        assert signal.getsignal(signal.SIGTERM) is handler
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is handler
    assert sent == []


def test_a_handler_that_a_hook_installs_stays(sent):
    def users(number, frame):
        pass

    with ends_cleanly():
        signal.signal(signal.SIGTERM, users)
    assert signal.getsignal(signal.SIGTERM) is users


def test_other_threads_leave_the_signal_alone(sent):
    seen = []

    def work():
        with ends_cleanly():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.SIG_DFL]


def test_a_call_is_such_a_block(model, monkeypatch):
    seen, apply = [], AddStep.apply

    def look(self, exposure, references):
        seen.append(signal.getsignal(signal.SIGTERM))
        return apply(self, exposure, references)

    monkeypatch.setattr(AddStep, "apply", look)
    AddStep.call(model)
    AddStep().run(model)
    assert signal.SIG_DFL not in seen
    assert len(seen) == 2
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


PROGRAM = """
import sys, time
from helpers.stub_steps import AddStep
from gpipe.datamodels.files.disk import fits_writer

def slow(file, pixels, write=fits_writer._write_pixels):
    print("writing", flush=True)
    time.sleep(0.3)
    write(file, pixels)

fits_writer._write_pixels = slow
AddStep.call(sys.argv[1], save_results=True)
"""


def ended_while_it_writes(path, number):
    """Send a signal to a process that writes; return its exit status."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    program = [sys.executable, "-c", PROGRAM, path]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout.readline() == b"writing\n"
        process.send_signal(number)
        process.communicate()
    return process.returncode


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, -signal.SIGINT)])
def test_a_process_that_is_ended_while_it_writes_leaves_whole_products_only(path, tmp_path, number, status):
    # Python loses an interrupt that comes while it finalizes an object.
    ended = [ended_while_it_writes(path, number)]
    while number == signal.SIGINT and ended[-1] == 0 and len(ended) < 4:
        ended.append(ended_while_it_writes(path, number))
    assert ended[-1] == status
    left = {file.name for file in tmp_path.iterdir()}
    assert left <= {path.name, "jw01_add.fits"}, "no hidden folder"


def test_an_interrupt_ends_the_threads_of_a_run():
    before = set(threading.enumerate())

    def interrupted():
        for _ in in_turn(lambda number: number, range(50), 3):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert set(threading.enumerate()) == before
