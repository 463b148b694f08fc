import logging
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.small_cache import SmallCache
from helpers.stub_steps import AddStep, StubPipeline

from gpipe.controller import Step
from gpipe.controller.references import crds_client
from gpipe.controller.reporting import privacy, records
from gpipe.exceptions import GpipeError, ParameterError


class WarningStep(Step):
    """Warns the way Python does."""

    alias = "warning"

    def apply(self, exposure, references):
        warnings.warn("careful", UserWarning, stacklevel=1)
        return replace(exposure)


def handlers():
    return {name: list(logging.getLogger(name).handlers) for name in (*records.LOGGERS, None)}


def test_call_logs_to_stderr_for_its_duration(model, capsys):
    before = handlers()
    AddStep.call(model)
    assert handlers() == before
    lines = capsys.readouterr().err.splitlines()
    assert any(" - INFO - add 0." in line for line in lines)
    assert logging.getLogger("gpipe").level == logging.NOTSET


def test_call_logs_nothing_when_told_so(model, capsys):
    AddStep.call(model, configure_log=False)
    assert capsys.readouterr() == ("", "")


def test_run_is_silent_unless_logging_is_configured(model, capsys):
    AddStep(minimum_groups=9).run(model)
    assert capsys.readouterr() == ("", "")


def test_the_crds_client_writes_nothing_by_itself(tmp_path, monkeypatch):
    SmallCache(tmp_path / "cache")
    monkeypatch.setenv("CRDS_PATH", str(tmp_path / "cache"))
    with crds_client._client():
        from crds.core import log as crds_log

        logger, console = crds_log.THE_LOGGER.logger, crds_log.THE_LOGGER.console
        during = list(logger.handlers)
    assert console not in during
    assert console in logger.handlers
    assert len(logger.handlers) == len(during)  # something silent stood in for it


def test_handlers_are_removed_after_a_failure(model):
    before = handlers()
    with pytest.raises(GpipeError):
        AddStep.call("missing.fits")
    assert handlers() == before


@pytest.mark.filterwarnings("default")
def test_python_warnings_become_lines(model, capsys):
    WarningStep.call(model)
    err = capsys.readouterr().err
    assert "py.warnings - WARNING" in err
    assert "careful" in err


def config(text, name="log.cfg"):
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text(text)
    return name


@pytest.mark.parametrize("section", ["*", "root", "."])
def test_logcfg_writes_to_a_file(model, capsys, section):
    for _ in range(2):
        AddStep.call(model, logcfg=config(f"[{section}]\nhandler = file:my.log\nlevel = INFO\n"))
    assert capsys.readouterr().err == ""
    assert Path("my.log").read_text().count(" - INFO - add 0.") == 1


def test_logcfg_appends_and_formats(model, capsys):
    for _ in range(2):
        AddStep.call(model, logcfg=config("[*]\nhandler=append:my.log,stdout\nlevel=info\nformat=<%(message)s>\n"))
    assert Path("my.log").read_text().count("<add 0.") == 2
    assert "<add 0." in capsys.readouterr().out


def test_logcfg_level(model, capsys):
    AddStep.call(model, minimum_groups=9, logcfg=config("[*]\nlevel = WARNING\n"))
    lines = capsys.readouterr().err.splitlines()
    assert [line.rsplit(" - ", 1)[1] for line in lines] == ["Step add skipped: found 4 groups, expected at least 9"]


def test_logcfg_null(model, capsys):
    AddStep.call(model, logcfg=config("[*]\nhandler = null\n"))
    assert capsys.readouterr() == ("", "")


def test_break_level_ends_the_run(model):
    with pytest.raises(GpipeError, match="break_level WARNING reached: Step add skipped"):
        AddStep.call(model, minimum_groups=9, logcfg=config("[*]\nhandler = null\nbreak_level = WARNING\n"))


def test_logcfg_beside_the_products(model, capsys):
    """The guide's second script writes it to output_dir and passes the bare name."""
    config("[*]\nhandler = stdout\n", "out/pipeline-log.cfg")
    AddStep.call(model, output_dir="out", logcfg="pipeline-log.cfg")
    assert " - INFO - add 0." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "logcfg: no such file 'log.cfg' "),
        ("[*]\nlevel = LOUD\n", "level: found 'LOUD', expected one of "),
        ("[*]\nhandler = screen\n", "handler: found 'screen', expected stdout"),
        ("[*]\nhandler = file:nowhere/my.log\n", "file:nowhere/my.log: cannot be written"),
        ("[gpipe]\nlevel = INFO\n", r"found 'gpipe', expected section \[\*\]"),
        ("[*]\nlvel = INFO\n", "found 'lvel', expected"),
        ("level = INFO\n", "log.cfg: File contains no section headers"),
        ("[*]\nlevel = ²\n", "level: found '²', expected one of "),
        ("[*]\nformat = %(foo)s\n", r"format: found '%\(foo\)s' .*, expected a format of Python's logging"),
        ("[*]\nformat = %(levelname)d\n", "format: found .*, expected a format"),
        ("[*]\nformat = %(message\n", "format: found .*, expected a format"),
        ("[*]\nhandler = file:a\0b\n", r"file:a\\x00b: cannot be written"),
    ],
)
def test_what_is_wrong_with_logcfg_is_one_line(model, text, expected):
    if text is not None:
        config(text)
    with pytest.raises(ParameterError, match=expected) as caught:
        AddStep.call(model, logcfg="log.cfg")
    assert "\n" not in str(caught.value)


def test_lines_of_a_product_are_not_private(monkeypatch):
    monkeypatch.setattr(privacy.getpass, "getuser", lambda: "galileo")
    monkeypatch.setattr(privacy.socket, "gethostname", lambda: "pisa")
    told = {
        "Saved /home/galileo/out/x_rate.fits": "Saved x_rate.fits",
        "Saved out/x_rate.fits": "Saved out/x_rate.fits",
        "See https://a.b/c/d": "See https://a.b/c/d",
        "by galileo": "",
        "on pisa": "",
        "from 10.0.0.1": "",
        "from fe80:0:0:0:1:2:3:4": "",
        "galileos at 12:34:56": "galileos at 12:34:56",
    }
    assert {line: privacy.without_private(line) for line in told} == told


def test_a_product_keeps_what_its_run_logged(model):
    lines = AddStep.call(model, amount=2).cal_logs.add
    assert lines[0].endswith(" - gpipe.controller.run.preparation - DEBUG - Parameters of add: amount=2.0 (keyword)")
    assert len(lines[0].split(" - ")[0]) == len("2026-11-22T15:14:26.986")


@pytest.mark.parametrize(
    "error", [KeyError("getpwuid(): uid not found: 54321"), OSError("No username set"), ImportError]
)
def test_a_user_without_a_name_is_calibrated_and_lines_are_kept(model, monkeypatch, error):
    def nameless():
        raise error

    monkeypatch.setattr(privacy.getpass, "getuser", nameless)
    monkeypatch.setattr(privacy.socket, "gethostname", nameless)
    lines = AddStep.call(model).cal_logs.add
    assert any(" - INFO - add 0." in line for line in lines)
    assert privacy.without_private("from 10.0.0.1") == ""


def test_a_name_in_no_encoding_stays_readable(model, tmp_path):
    """Bytes of a file name that are no UTF-8 come as surrogates, which no product can hold."""
    assert privacy.without_private("Saved \udcff_rate.fits") == "Saved \\udcff_rate.fits"


def test_an_object_that_cannot_say_what_it_is_ends_no_run(model):
    class Shy:
        def __repr__(self):
            raise RuntimeError("no")

        def __call__(self, exposure):
            return None

    lines = AddStep.call(model, post_hooks=[Shy()]).cal_logs.add
    assert any("post_hooks=<list> (keyword)" in line for line in lines)


@pytest.mark.parametrize("stream", [None, "closed"])
def test_a_process_without_a_terminal_is_calibrated(model, monkeypatch, stream, tmp_path):
    if stream:
        stream = open(tmp_path / "err", "w")  # noqa: SIM115
        stream.close()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr(logging, "raiseExceptions", False)
    assert AddStep.call(model).data[0, 0, 0, 0] == 11


@pytest.mark.parametrize(("level", "shown"), [("DEBUG", ["DEBUG", "INFO"]), ("ERROR", [])])
def test_the_level_that_a_user_has_set_stays(model, capsys, caplog, level, shown):
    caplog.set_level(level, "gpipe")
    AddStep.call(model)
    assert sorted({line.split(" - ")[2] for line in capsys.readouterr().err.splitlines()}) == shown
    assert logging.getLogger("gpipe").level == logging.getLevelNamesMapping()[level]


def test_a_step_that_is_skipped_has_one_line(model, capsys):
    AddStep.call(model, minimum_groups=9)
    StubPipeline.call(model, steps={"times": {"skip": True}})
    told = [line.split(" - ", 2)[2] for line in capsys.readouterr().err.splitlines() if "skipped" in line]
    assert told == ["WARNING - Step add skipped: found 4 groups, expected at least 9", "INFO - times skipped"]
