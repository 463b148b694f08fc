import io
import sys

import pytest
from helpers.stub_steps import StubPipeline


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("stream", "shown"), [(Terminal(), True), (io.StringIO(), False)])
def test_steps_are_shown_on_a_terminal_only(model, monkeypatch, stream, shown):
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    StubPipeline.call(model)
    assert ("2/2" in stream.getvalue()) is shown
    assert "Step times done" in stream.getvalue()


def test_a_caller_with_its_own_logging_gets_no_display(model, monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    StubPipeline.call(model, configure_log=False)
    assert stream.getvalue() == ""
