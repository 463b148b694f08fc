"""Command line of a user: a process, its exit status and its output."""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import gpipe.backends
from gpipe.demo import JWST_MEMORY, JWST_SECONDS, command_of_this_program, compared_with_truth
from gpipe.exceptions import BackendError, OutputError, ParameterError

MAIN = "from gpipe.cli import main; main()"


def gpipe_command(*arguments, cwd):
    command = [sys.executable, "-c", MAIN, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False, timeout=300)


def there_is_no_gpu():
    try:
        gpipe.backends.get("cupy")
    except BackendError:
        return True
    return False


REFUSED = [
    pytest.param(
        ["--backend", "cupy"],
        BackendError,
        "cupy",
        marks=pytest.mark.skipif(not there_is_no_gpu(), reason="a GPU answers"),
    ),
    (["--backend", "torch"], BackendError, "'torch'"),
    (["--subarray", "SUB9"], ParameterError, "SUBARRAY 'SUB9'"),
    (["--folder", "taken"], OutputError, "taken"),
]


@pytest.mark.parametrize(("options", "error", "word"), REFUSED)
def test_a_mistake_is_one_line_and_the_exit_status_of_its_class(options, error, word, tmp_path):
    (tmp_path / "taken").write_text("a file")
    done = gpipe_command("demo", *options, cwd=tmp_path)
    assert done.returncode == error.exit_status
    assert done.stdout == ""
    assert done.stderr.startswith("gpipe: ")
    assert done.stderr.count("\n") == 1
    assert word in done.stderr
    assert not list(tmp_path.rglob("*.fits"))


def test_an_unknown_option(tmp_path):
    done = gpipe_command("demo", "--detector", "NRCA1", cwd=tmp_path)
    assert done.returncode == 2
    assert "No such option" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_matplotlib_is_told_before_work(tmp_path):
    script = "import sys; sys.modules['matplotlib'] = None; " + MAIN
    done = subprocess.run(
        [sys.executable, "-c", script, "demo"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (done.returncode, done.stdout) == (OutputError.exit_status, "")
    assert done.stderr == "gpipe: a picture needs matplotlib, which is not installed; install matplotlib\n"


def test_the_demo(tmp_path):
    done = gpipe_command("demo", "--folder", "here", "--subarray", "SUB64P", "--backend", "numpy", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for word in ("ramp_fit", "COMPLETE", "true rate", "picture: here/quicklook.png", "gpipe run jw…_uncal.fits -o cal"):
        assert word in " ".join(done.stdout.split())  # tables are wrapped to the terminal
    (again,) = re.findall("^with other parameters: (.*)$", done.stdout, re.MULTILINE)
    again = again.replace("gpipe run", f"{sys.executable} -c '{MAIN}' run")
    assert subprocess.run(again, shell=True, cwd=tmp_path, check=False, capture_output=True).returncode == 0
    assert len(list((tmp_path / "cal").glob("*_rate*.fits"))) == 2
    names = sorted(path.name for path in (tmp_path / "here").glob("*.*"))
    stem = "jw00001001001_01101_00001_nrcalong"
    assert names == [f"{stem}_rate.fits", f"{stem}_rateints.fits", f"{stem}_uncal.fits", "quicklook.png"]
    assert (tmp_path / "here" / "quicklook.png").read_bytes().startswith(b"\x89PNG")


def test_the_truth_is_compared_by_brightness():
    truth = np.repeat([0.5, 20.0], 50)
    model = SimpleNamespace(data=truth + 0.2, err=np.full(100, 0.1), dq=np.zeros(100, np.uint32))
    rows = [list(column.cells) for column in compared_with_truth(model, truth).columns]
    assert [row[0] for row in rows] == ["sky", "50", "0.5 DN/s", "0.7 DN/s", "+2.000", "0.000"]
    assert [row[1] for row in rows] == ["bright", "50", "20 DN/s", "20.2 DN/s", "+2.000", "0.000"]


def test_the_figures_of_jwst_are_those_of_the_benchmarks():
    page = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text()
    case = "^" + re.escape("| NIRCam full frame, 8 groups | ")
    seconds = re.search(case + r"whole process \[s\] \| [\d.]+ \| ([\d.]+)", page, re.MULTILINE)[
        1
    ]  # the newest is first
    megabytes = re.search(case + r"peak memory \[MB\] \| \d+ \| (\d+)", page, re.MULTILINE)[1]
    assert (f"{seconds} s", f"{int(megabytes) / 1000:.1f} GB") == (JWST_SECONDS, JWST_MEMORY)


@pytest.mark.parametrize("first_on_path", [True, False])
def test_the_command_is_a_path_where_the_name_finds_another_program(first_on_path, tmp_path, monkeypatch):
    programs = [tmp_path / folder / "gpipe" for folder in ("ours here", "theirs")]
    for program in programs:
        program.parent.mkdir()
        program.write_text("#!/bin/sh")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs[0 if first_on_path else 1].parent))
    monkeypatch.setattr(sys, "argv", [str(programs[0]), "demo"])
    assert command_of_this_program() == ("gpipe" if first_on_path else f"'{programs[0]}'")
