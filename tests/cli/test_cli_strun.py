"""``gpipe strun``: what it reads from a command line, and what it hands on. Beside jwst's own: tests/parity."""

import logging
import sys

import pytest
from click.testing import CliRunner

from gpipe.batch import RunReport
from gpipe.cli import main, strun_line
from gpipe.cli.strun_line import read_line
from gpipe.exceptions import NoScienceDataError
from gpipe.jump import JumpStep
from gpipe.pipeline import Detector1Pipeline

PARAMETERS = "class: jwst.pipeline.Detector1Pipeline\nparameters: {save_calibrated_ramp: true}\n"
CLASSES = {
    "calwebb_detector1": Detector1Pipeline,
    "jwst::jump": JumpStep,
    "jwst.jump.jump_step.JumpStep": JumpStep,
    "JumpStep": JumpStep,
}


def strun(*arguments):
    return CliRunner().invoke(main, ["strun", *arguments])


@pytest.fixture
def calls(monkeypatch):
    """What was handed to `gpipe.run`, which does nothing."""
    found = []

    def run(files, **keywords):
        found.append((files, keywords))
        return RunReport((), 0.0)

    monkeypatch.setattr(strun_line, "run", run)
    return found


@pytest.fixture
def parameter_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(PARAMETERS)
    return "mine.yaml"


@pytest.mark.parametrize("name", CLASSES)
def test_the_class_comes_first(name):
    line = read_line(["--output_dir", "out", name, "--suffix=mine", "x_uncal.fits"])
    assert (line.cls, line.paths) == (CLASSES[name], ["x_uncal.fits"])
    assert line.values.parameters == {"output_dir": "out", "suffix": "mine"}


def test_a_parameter_file_may_come_first(parameter_file):
    line = read_line([parameter_file, "x_uncal.fits"])
    assert line.cls is Detector1Pipeline
    assert line.settled(None).row("save_calibrated_ramp").value is True


def test_a_class_of_a_user(tmp_path, monkeypatch):
    (tmp_path / "of_a_user.py").write_text(
        "from gpipe.jump import JumpStep\nclass Mine(JumpStep):\n    alias = 'mine'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert read_line(["of_a_user.Mine"]).cls.alias == "mine"
    sys.modules.pop("of_a_user")


@pytest.mark.parametrize(
    ("given", "path"), [("x.fits", "raw/x.fits"), ("a/x.fits", "a/x.fits"), ("/x.fits", "/x.fits")]
)
def test_input_dir_is_for_inputs_without_a_folder(given, path):
    assert read_line(["jump", given, "--input_dir=raw"]).paths == [path]


def test_everything_is_handed_on(calls):
    done = strun("calwebb_detector1", "x_uncal.fits", "--steps.jump.skip", "yes", "--disable-crds-steppars", "-v",
                 "--log-file=a.log", "--save_results=false")  # fmt: skip
    assert (done.exit_code, done.output) == (0, "")
    ((files, keywords),) = calls
    log = keywords.pop("logcfg")
    assert files == ["x_uncal.fits"]
    assert keywords == {
        "pipeline": Detector1Pipeline,
        "steps": {"jump": {"skip": "yes"}},
        "config_file": None,
        "uses_crds_parameters": False,
        "save_results": True,
    }
    assert (log.handlers, log.level) == (["stderr", "file:a.log"], logging.DEBUG)


@pytest.mark.parametrize(
    ("options", "handlers", "level"),
    [
        ([], ["stderr"], logging.INFO),
        (["--log-level", "warning"], ["stderr"], logging.WARNING),
        (["--log-stream=null", "--log-file", "b.log"], ["null", "file:b.log"], logging.INFO),
        (["--log-level=error", "-v", "--log-stream=stdout", "--logcfg=a.cfg"], ["stdout"], logging.DEBUG),
    ],
)
def test_where_the_log_goes(calls, options, handlers, level):
    assert strun("jump", "x.fits", *options).exit_code == 0
    log = calls[0][1]["logcfg"]
    assert (log.handlers, log.level) == (handlers, level)


def test_a_file_for_the_log_is_deprecated(calls):
    done = strun("jump", "x.fits", "--logcfg", "a.cfg")
    assert done.stderr.startswith("gpipe: --logcfg is deprecated; use --log-level")
    assert calls[0][1]["logcfg"] == "a.cfg"


def test_parameters_are_written_before_the_run(tmp_path, parameter_file):
    done = strun("calwebb_detector1", "--steps.jump.rejection_threshold=5", "--save-parameters=all.asdf")
    assert (done.exit_code, done.stderr.count("\n")) == (3, 1)
    again = read_line([str(tmp_path / "all.asdf")])
    assert again.settled(None).row("jump.rejection_threshold").value == 5.0


def test_no_light_on_the_detector_has_the_status_of_strun(calls, monkeypatch):
    def run(*_, **__):
        raise NoScienceDataError("x_uncal.fits: no light on NRS2")

    monkeypatch.setattr(strun_line, "run", run)
    done = strun("calwebb_detector1", "x_uncal.fits")
    assert (done.exit_code, done.stderr) == (64, "gpipe: x_uncal.fits: no light on NRS2\n")


MISTAKES = [
    (["jump"], 3, "found no exposure, expected one"),
    (["jump", "a.fits", "b.fits"], 3, "found a.fits and b.fits, expected one"),
    (["jump", "missing.fits"], 3, "missing.fits: no such file"),
    (["--suffix=mine"], 2, "found no pipeline or step"),
    (["jmp", "a.fits"], 2, "did you mean 'jump'?"),
    (["calwebb_spec2", "a.fits"], 2, "which gpipe does not have yet"),
    (["nothing.Mine", "a.fits"], 2, "nothing.Mine cannot be imported"),
    (["other.yaml", "a.fits"], 2, "other.yaml: found no class, expected a pipeline or step"),
    (["jump", "a.fits", "--rejection_treshold=5"], 2, "did you mean --rejection_threshold?"),
    (["jump", "a.fits", "--skip"], 2, "--skip: found no value"),
    (["jump", "a.fits", "-x"], 2, "No such option: -x"),
    (["jump", "there.fits", "--rejection_threshold=x"], 2, "rejection_threshold: found 'x'"),
    (["jump", "a.fits", "--log-level=LOUD"], 2, "'LOUD' is not one of"),
    (["calwebb_detector1", "a.fits", "--steps.jump.class=os.system"], 2, "is chosen in Python only"),
]


@pytest.mark.parametrize(("arguments", "status", "message"), MISTAKES, ids=map(str, range(len(MISTAKES))))
def test_a_mistake_is_one_line(parameter_file, tmp_path, arguments, status, message):
    (tmp_path / "other.yaml").write_text("save_results: true\n")
    (tmp_path / "there.fits").touch()
    done = strun(*arguments)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (status, "", 1)
    assert message in done.stderr


def test_help_of_the_command():
    assert strun().stderr == strun("-h").stdout
    assert "--save-parameters" in strun("--help").stdout


def test_help_of_a_pipeline(parameter_file):
    lines = strun(parameter_file, "-h", "--steps.jump.rejection_threshold=5").stdout.splitlines()
    assert lines[0].startswith("Usage: gpipe strun mine.yaml [OPTIONS] INPUT")
    marked = [line.split()[1] for line in lines if line.lstrip().startswith("* --")]
    assert marked[0] == "--save_calibrated_ramp"
    assert "--steps.jump.rejection_threshold" in marked
    assert "--steps.emicorr.skip" in marked, "a step with another default than most"
    assert sum("--output_file" in line or ".output_file" in line for line in lines) == 1
    titles = [line.strip().rstrip(":") for line in lines if line.endswith(":")]
    assert titles[2:] == list(Detector1Pipeline.step_defs)


def test_help_of_a_step():
    of_it = strun("calwebb_detector1", "--help", "jump").stdout
    assert "--steps.jump.rejection_threshold" in of_it
    assert "--steps.jump.output_file" in of_it
    assert "linearity" not in of_it
    assert " --rejection_threshold " in strun("jump", "-h").stdout


def test_the_version():
    assert strun("--version").stdout == CliRunner().invoke(main, ["--version"]).stdout
