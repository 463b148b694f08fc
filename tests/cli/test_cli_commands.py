"""Commands that calibrate nothing."""

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

import gpipe
from gpipe.cli import COMMANDS, main
from gpipe.pipeline.catalog import available


def run(*arguments):
    return CliRunner().invoke(main, list(arguments))


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help(name):
    done = run(name, "-h")
    assert done.exit_code == 0
    assert done.output.startswith("Usage: ")


def test_help_imports_click_alone():
    script = (
        "import sys; from gpipe.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\nprint(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    modules = done.stdout.splitlines()[-1].split()
    ours = {name for name in modules if name.startswith("gpipe")}
    assert ours <= {"gpipe", "gpipe.cli", "gpipe.cli.errors"}
    assert not {"numpy", "astropy", "asdf", "traitlets", "rich", "yaml"} & set(modules)
    for name, line in COMMANDS.items():
        assert name in done.stdout
        assert line.split()[0] in done.stdout


def test_list():
    names = run("list").output
    assert "✓ calwebb_detector1" in names
    assert "✓ calwebb_image2" in names
    assert "→ calwebb_image3" in names
    assert run("list", "ramp*").output.split()[:2] == ["✓", "ramp_fit"]
    assert "calwebb" not in run("list", "--steps").output
    assert "jump" not in run("list", "--pipelines").output
    order = [line.split()[1] for line in run("list", "--steps").output.splitlines()]
    assert order.index("dq_init") < order.index("jump") < order.index("ramp_fit") < order.index("assign_wcs")


def test_info_is_what_python_says():
    assert run("info").output.strip() == str(gpipe.info())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell):
    done = run("completion", shell)
    assert f"_GPIPE_COMPLETE={shell}_source" in done.stdout
    assert "#" not in done.stdout


@pytest.mark.parametrize(
    ("words", "answer"),
    [("gpipe comp", "plain,completion"), ("gpipe run jw0", "file,jw0"), ("gpipe run -o ca", "file,ca")],
)
def test_completion_completes(words, answer):
    asked = {"_GPIPE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    script = "import sys; sys.argv = ['gpipe']; from gpipe.cli import main; main(prog_name='gpipe')"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=os.environ | asked, check=False
    )
    assert done.stdout.strip() == answer


def test_an_unknown_command():
    done = run("calibrate")
    assert done.exit_code == 2
    assert done.stderr == "gpipe: No such command 'calibrate'.\n"


@pytest.mark.parametrize(("typed", "meant"), [("rnu", "run"), ("strum", "strun"), ("lst", "list")])
def test_a_misspelt_command(typed, meant):
    done = run(typed, "x_uncal.fits", "--option")
    assert (done.exit_code, done.stderr) == (2, f"gpipe: No such command {typed!r}; did you mean {meant!r}?\n")


def test_no_command_shows_the_help():
    done = run()
    assert (done.exit_code, done.stderr) == (2, run("-h").stdout)


def test_choices_are_told_in_one_line():
    done = run("completion")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)


def test_a_pattern_that_matches_nothing():
    done = run("list", "calwebb_detectr*")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("gpipe: found 'calwebb_detectr*', expected a part of a name")


def test_a_part_of_a_name_is_a_pattern():
    assert [entry.name for entry in available("flicker")] == ["clean_flicker_noise"]
    assert [entry.name for entry in available("clean*")] == ["clean_flicker_noise"]


def test_the_list_has_all_that_jwst_has():
    integration = pytest.importorskip("jwst.stpipe.integration")
    listed = {entry.name for entry in available()}
    assert listed == {alias for _, alias, _ in integration.get_steps()} - {None}


def test_the_version():
    assert run("--version").output == f"gpipe {gpipe.__version__}\n"


def test_parameters():
    done = run("parameters", "jump", "--rejection_threshold.x=1")
    assert done.exit_code == 2
    lines = run("parameters", "calwebb_detector1", "--changed", "--jump.skip", "yes").output.splitlines()
    assert lines == ["jump.skip = True (keyword): Leave the exposure as it is."]
    why = run(
        "parameters", "calwebb_detector1", "--why", "jump.rejection_threshold", "-s", "jump.rejection_threshold=5"
    )
    assert [line.split() for line in why.output.splitlines()[1:]] == [["keyword", "'5'", "←"], ["default", "4.0"]]
    assert run("parameters", "jump", "a.fits", "b.fits").exit_code == 2
    assert run("parameters", "nothing").exit_code == 2


def test_parameters_can_be_exported(tmp_path):
    path = tmp_path / "mine.asdf"
    done = run("parameters", "calwebb_detector1", "--jump.rejection_threshold", "5", "--export", str(path))
    assert done.output == f"{path}\n"
    again = run("parameters", "calwebb_detector1", "--config", str(path), "--why", "jump.rejection_threshold")
    assert "5.0" in again.output.splitlines()[0]
