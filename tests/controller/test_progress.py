import io
import sys

import pytest
from helpers.stub_steps import StubPipeline

from gpipe.controller.reporting.progress import progress_shown


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("stream", "shown"), [(Terminal(), True), (io.StringIO(), False)])
def test_steps_are_shown_on_a_terminal_only(model, monkeypatch, stream, shown):
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    StubPipeline.call(model)
    assert ("2/2" in stream.getvalue()) is shown
    assert " - INFO - times 0." in stream.getvalue()


def test_a_caller_with_its_own_logging_gets_no_display(model, monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    StubPipeline.call(model, configure_log=False)
    assert stream.getvalue() == ""


def test_of_runs_at_once_one_is_shown_and_stderr_is_as_before(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    first, second = progress_shown(), progress_shown()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    assert sys.stderr is stream
    with progress_shown():
        assert sys.stderr is not stream
    assert sys.stderr is stream
