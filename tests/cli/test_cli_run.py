"""``gpipe run``: files in, products and an exit status out."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

import pytest
from click.testing import CliRunner
from helpers.simulated import small

from gpipe import simulate
from gpipe.cli import main

STEM = "jw00001001001_01101_{:05d}_nrcalong"


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated")
    config = small()
    exposure = simulate.write_exposure(config, folder)
    return exposure.path, simulate.write_cache([config], folder / "crds_cache", full_frame=False)


@pytest.fixture
def uncal(simulated, tmp_path, monkeypatch):
    """A function that makes so many files of exposures in the working directory."""
    monkeypatch.chdir(tmp_path)
    path, cache = simulated
    for name, value in cache.environment.items():
        monkeypatch.setenv(name, value)

    def make(count):
        paths = [tmp_path / f"{STEM.format(number)}_uncal.fits" for number in range(1, count + 1)]
        for one in paths:
            shutil.copy(path, one)
        return [one.name for one in paths]

    return make


def gpipe(*arguments):
    return CliRunner().invoke(main, list(arguments))


def products(folder):
    return sorted(path.name for path in folder.glob("*_rate*.fits"))


def test_a_file_is_calibrated_into_the_working_directory(uncal, tmp_path):
    (name,) = uncal(1)
    done = gpipe("run", name, "--look")
    assert done.exit_code == 0, done.output
    assert products(tmp_path) == [f"{STEM.format(1)}_rate.fits", f"{STEM.format(1)}_rateints.fits"]
    first, line, picture = done.stdout.splitlines()
    whole = r"1 exposure · calwebb_detector1 · numpy, \d+ threads? · \d+ references, all in the cache \(context .*\)"
    assert re.fullmatch(whole, first)
    files = f"→ {STEM.format(1)}_rate.fits, _rateints.fits"
    assert re.fullmatch(rf"1/1 {STEM.format(1)}  \d+\.\d s  [\d,]+ saturated  [\d,]+ jumps  {files}", line)
    assert picture == f"{STEM.format(1)}_rate.png"
    assert (tmp_path / picture).stat().st_size > 0


def test_a_bad_file_in_a_list_of_twelve(uncal, tmp_path):
    names = uncal(12)
    (tmp_path / names[4]).write_text("no FITS file")
    done = gpipe("run", *names, "-o", "cal", "-q")
    assert done.exit_code == 7
    assert len(products(tmp_path / "cal")) == 22
    assert not [name for name in products(tmp_path / "cal") if name.startswith(STEM.format(5))]
    assert re.fullmatch(rf"11 of 12 done in \d+ s, 1 failed: {STEM.format(5)} \(input\)", done.stdout.splitlines()[-1])
    assert f" 5/12 {STEM.format(5)}  ✗ input: {names[4]}: not a FITS file" in done.stdout
    assert "\x1b" not in done.output, "colours where nobody sees them"


def test_all_spellings_of_a_parameter(uncal, tmp_path):
    (name,) = uncal(1)
    done = gpipe("run", name, "-s", "jump.skip=true", "--steps.refpix.skip=true", "--linearity.skip", "true",
                 "--skip", "saturation", "--save", "dq_init", "--name", "mine", "-o", "cal",
                 "--save_calibrated_ramp=yes")  # fmt: skip
    assert done.exit_code == 0, done.output
    from gpipe.datamodels import read_header

    meta = read_header(tmp_path / "cal" / "mine_rate.fits").meta
    skipped = [
        name for name in ("jump", "refpix", "linearity", "saturation") if meta.cal_step.instance[name] == "SKIPPED"
    ]
    assert skipped == ["jump", "refpix", "linearity", "saturation"]
    assert (tmp_path / "cal" / "mine_dq_init.fits").exists()
    assert (tmp_path / "cal" / "mine_ramp.fits").exists()


def test_a_step_alone_and_the_log(uncal, tmp_path):
    (name,) = uncal(1)
    done = gpipe("run", name, "-p", "jwst.dq_init.DQInitStep", "-v", "--log-file", "run.log", "--output_ext", "asdf")
    assert done.exit_code == 0, done.output
    assert (tmp_path / f"{STEM.format(1)}_dq_init.asdf").exists()
    assert "Step dq_init running" in done.stderr
    assert "Step dq_init running" in (tmp_path / "run.log").read_text()


def test_files_are_found_by_pattern_folder_and_list(uncal, tmp_path):
    names = uncal(3)
    (tmp_path / "names.txt").write_text("\n".join(names[:2]) + "\n")
    for given, count in (["*_0000[12]_*uncal.fits"], 2), (["."], 3), (["@names.txt", names[0]], 2):
        assert gpipe("run", *given, "--dry-run").stdout.count("_uncal.fits: NIRCAM") == count
    assert products(tmp_path) == []


def test_plans(uncal, tmp_path):
    names = uncal(2)
    one = gpipe("plan", names[0], "-o", "cal")
    assert one.exit_code == 0, one.output
    assert one.stdout == gpipe("run", "--dry-run", names[0], "-o", "cal").stdout
    assert "  writes  cal/" in one.stdout
    both = gpipe("plan", *names).stdout.splitlines()
    assert [line.partition(":")[0] for line in both[:2]] == names
    assert both[2].startswith("2 exposures · ")
    assert "arrays take up to" in gpipe("plan", "-v", names[0]).stdout


MISTAKES = [
    (["nothing.fits"], 3, "nothing.fits: no such file"),
    ([], 3, "found no files, expected one or more"),
    (["UNCAL", "-s", "jump.rejection=5"], 2, "unknown name 'rejection'"),
    (["UNCAL", "--jump.rejection_threshold=-1"], 2, "jump.rejection_threshold: found '-1' (str)"),
    (["UNCAL", "--jump.rejection_threshold"], 2, "--jump.rejection_threshold: found no value"),
    (["UNCAL", "-p", "calwebb_image3"], 2, "which gpipe does not have yet"),
    (["UNCAL", "-p", "calweb_detector1"], 2, "did you mean 'calwebb_detector1'?"),
    (["UNCAL", "--nothing"], 2, "No such option: --nothing"),
    (["UNCAL", "--rejection_threshold", "5"], 2, "did you mean --jump.rejection_threshold?"),
    (["--dryrun", "UNCAL"], 2, "did you mean --dry-run?"),
    (["UNCAL", "-p", "os.path"], 2, "os.path, expected a class made from gpipe.stpipe.Step"),
    (["UNCAL", "-s", "files=other.fits"], 2, "unknown name 'files'"),
    (["UNCAL", "--config", "none.asdf"], 2, "none.asdf"),
    (["UNCAL", "--override", "gain=nothing.fits"], 4, "nothing.fits"),
    (["UNCAL", "-o", "a_file"], 5, "a_file"),
    (["UNCAL", "--backend", "torch"], 6, "'torch'"),
    (["UNCAL", "--max-memory", "much"], 2, "--max-memory: found 'much'"),
    (["UNCAL", "-s", "save_results=false"], 2, "save_results: found false, expected true"),
    (["UNCAL", "-o", "a", "-s", "output_dir=b"], 2, "found -o a and -s output_dir=b, expected one of them"),
    (["UNCAL", "--log-file", "nowhere/a.log"], 2, "--log-file"),
]


@pytest.mark.parametrize(
    ("arguments", "status", "message"), MISTAKES, ids=[str(number) for number in range(len(MISTAKES))]
)
def test_a_mistake_is_one_line_and_the_status_of_its_kind(uncal, tmp_path, arguments, status, message):
    (name,) = uncal(1)
    (tmp_path / "a_file").write_text("")
    done = gpipe("run", "-q", *[name if text == "UNCAL" else text for text in arguments])
    assert (done.exit_code, products(tmp_path)) == (status, [])
    last = done.stderr.splitlines()[-1]
    assert last.startswith("gpipe: ")
    assert message in last
    assert "Traceback" not in done.stderr


def test_exposures_are_done_though_nobody_reads_the_lines(uncal, tmp_path):
    uncal(2)
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-c", "from gpipe.cli import main; main()", "run", ".", "-q"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(products(tmp_path)) == 4


def test_a_defect_is_told_in_one_line_with_a_traceback_in_a_file(uncal, tmp_path, monkeypatch):
    (name,) = uncal(1)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def broken(*_, **__):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("gpipe.batch.run", broken)
    done = gpipe("run", name)
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("gpipe: a defect of gpipe (ZeroDivisionError: oh); please report it")
    with open(line.rpartition(" ")[2]) as file:
        assert "ZeroDivisionError" in file.read()


def test_an_interrupt_has_the_status_that_shells_know(uncal, monkeypatch):
    (name,) = uncal(1)

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("gpipe.batch.run", interrupted)
    assert gpipe("run", name).exit_code == 130
