"""A notebook shows one live table in place of the lines of the log; nothing imports IPython elsewhere."""

import logging
import sys
from types import SimpleNamespace

import pytest
from helpers.stub_steps import AddStep, StubPipeline

from gpipe.controller.reporting.events import ExposureDone, ExposureStarted, StepDone, StepStarted
from gpipe.controller.reporting.table import MOST_ROWS, Table
from gpipe.exceptions import GpipeError, ParameterError

PREPARED = "from helpers.stub_steps import AddStep, StubPipeline, uncal\nmodel = uncal()"
SKIPPING = "steps={'add': {'minimum_groups': 9}}"


class Shell:
    """IPython with a kernel, as far as runs see it: what is displayed, by handle."""

    def __init__(self, kernel=True):
        self.kernel = kernel or None
        self.outputs = []

    def display(self, shown, *, raw, display_id):
        assert raw
        assert display_id
        self.outputs.append(shown)
        number = len(self.outputs) - 1
        return SimpleNamespace(update=lambda newer, raw: self.outputs.__setitem__(number, newer))


@pytest.fixture
def notebook(monkeypatch):
    def begin(**how):
        shell = Shell(**how)
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
        monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=shell.display))
        return shell

    return begin


def test_a_real_notebook_has_one_table_for_each_run(monkeypatch):
    from nbclient import NotebookClient
    from nbformat import v4

    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    cells = [
        PREPARED,
        f"StubPipeline.call(model, {SKIPPING});",
        "StubPipeline.call([model, model]);",
        "AddStep().run(model);",
    ]
    book = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])
    NotebookClient(book, timeout=60).execute()
    outputs = [cell.outputs for cell in book.cells]
    assert [[one.output_type for one in of_cell] for of_cell in outputs] == [[], *[["display_data"]] * 3]
    of_steps, of_exposures, of_run = ([*of_cell[0].data["text/html"].split("<tr>")] for of_cell in outputs[1:])
    assert ["add" in of_steps[2], "times" in of_steps[3], "WARNING Step add skipped" in of_steps[3]] == [True] * 3
    assert ["2 of 2 done" in of_exposures[0], len(of_exposures)] == [True, 4]
    assert "✓ add" in of_run[2]
    assert " object at 0x" not in str(outputs)


@pytest.mark.parametrize(("choice", "tables", "lines"), [("", 1, 0), ("table", 1, 0), ("lines", 0, 2), ("none", 0, 0)])
def test_progress_is_chosen(model, notebook, monkeypatch, capsys, choice, tables, lines):
    monkeypatch.setenv("GPIPE_PROGRESS", choice)
    shell = notebook()
    StubPipeline.call(model)
    error = capsys.readouterr().err
    assert (len(shell.outputs), error.count(" - INFO - ")) == (tables, lines)
    assert ("WARNING" in error) is not tables


def test_a_choice_that_is_none_is_refused(model, monkeypatch):
    monkeypatch.setenv("GPIPE_PROGRESS", "bar")
    with pytest.raises(ParameterError, match="GPIPE_PROGRESS: found 'bar', expected 'table', 'lines' or 'none'"):
        StubPipeline.call(model)


def test_a_prompt_of_ipython_has_the_log(model, notebook, capsys):
    shell = notebook(kernel=False)
    StubPipeline.call(model)
    assert not shell.outputs
    assert " - INFO - times 0." in capsys.readouterr().err


def test_a_log_that_is_configured_is_written_beside_the_table(model, notebook, tmp_path):
    (tmp_path / "log.cfg").write_text("[*]\nhandler = file:my.log\n")
    shell = notebook()
    StubPipeline.call(model, logcfg="log.cfg")
    assert len(shell.outputs) == 1
    assert " - INFO - times 0." in (tmp_path / "my.log").read_text()


def test_the_log_of_a_product_is_the_same(model, notebook):
    def lines():
        return [line.rpartition(" - ")[2].split(" 0.")[0] for line in StubPipeline.call(model).cal_logs.stub_pipeline]

    without = lines()
    notebook()
    assert lines() == without


def test_a_failure_is_marked_and_warnings_stay(model, notebook):
    def refuse(exposure):
        logging.getLogger("gpipe").warning("<odd>")
        raise GpipeError("no")

    shell = notebook()
    with pytest.raises(GpipeError):
        StubPipeline.call(model, steps={"add": {"post_hooks": [refuse]}})
    assert "✗ add" in shell.outputs[-1]["text/plain"]
    assert "WARNING &lt;odd&gt;" in shell.outputs[-1]["text/html"]


def test_a_run_within_a_run_has_no_table_of_its_own(model, notebook):
    shell = notebook()
    AddStep.call(model, post_hooks=[lambda exposure: AddStep.call(exposure)])
    assert len(shell.outputs) == 1


def test_a_list_tells_of_each_exposure_and_a_long_one_of_the_last_and_the_failed():
    table = Table("stub")
    for number in range(1, 2 * MOST_ROWS):
        table.hear(ExposureStarted(f"{number}_uncal.fits", number, 2 * MOST_ROWS))
        table.hear(StepStarted("jump"))
        assert "\n… " in table.text()
        table.hear(StepDone("jump", 0.1, "COMPLETE", None, {"jumps": 1234}))
        table.hear(ExposureDone(f"{number}_uncal.fits", 1.5, "damaged" if number == 3 else ""))
    title, _, *rows = table.text().splitlines()
    assert title == "stub: 38 of 40 done, 1 failed"
    assert [row.split(maxsplit=1)[0] for row in rows] == ["✗", *["✓"] * MOST_ROWS]
    assert [rows[0].split(), rows[-1].split()] == [
        ["✗", "3_uncal", "1.50", "damaged"],
        ["✓", "39_uncal", "1.50", "1,234", "jumps"],
    ]


def test_ipython_is_not_imported_where_it_does_not_run(model, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "IPython"]:
        monkeypatch.delitem(sys.modules, name)
    StubPipeline.call(model)
    assert "IPython" not in sys.modules
