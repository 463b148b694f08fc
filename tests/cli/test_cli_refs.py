"""``gpipe refs``: tables, names and exit statuses."""

import shutil

import pytest
from click.testing import CliRunner
from helpers.crds_server import serving
from helpers.simulated import small

from gpipe import simulate
from gpipe.cli import main


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    folder, config = tmp_path_factory.mktemp("simulated"), small()
    return simulate.write_exposure(config, folder).path, simulate.write_cache([config], folder / "c", full_frame=False)


@pytest.fixture
def cached(simulated, tmp_path, monkeypatch):
    """A function from a type to its file in a cache of the test's own; an exposure lies in the working directory."""
    exposure, cache = simulated
    shutil.copytree(cache.folder, tmp_path / "crds")
    for name, value in {**cache.environment, "CRDS_PATH": str(tmp_path / "crds")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    shutil.copy(exposure, "one_uncal.fits")
    return lambda reftype: next((tmp_path / "crds/references/jwst/nircam").glob(f"*_{reftype}_*"))


def refs(*arguments):
    return CliRunner().invoke(main, ["refs", *arguments])


def row(done, reftype):
    [found] = [line.split() for line in done.stdout.splitlines() if line.startswith(reftype)]
    return found


def test_the_table_and_its_totals(cached):
    done = refs("list", "*_uncal.fits")
    assert done.exit_code == 0, done.output
    assert done.stdout.split("\n")[0].split() == ["type", "file", "MB", "for", "used", "by", "state"]
    assert row(done, "superbias") == [
        "superbias", cached("superbias").name, "<0.1", "1", "saturation", "superbias", "cached"
    ]  # fmt: skip
    assert "references for 1 exposure" in done.stdout.splitlines()[-1]
    assert done.stdout.endswith("none missing\n")


def test_names_only_and_what_is_missing(cached, tmp_path):
    cached("gain").unlink()
    done = refs("list", "--names", ".")
    assert done.exit_code == 4
    assert "references/jwst/nircam/jwst_nircam_gain_0001.fits" in done.stdout.splitlines()
    assert "mappings/jwst/jwst_0001.pmap" in done.stdout.splitlines()
    assert "1 missing" in done.stderr


def test_check_tells_what_is_damaged_in_one_line(cached):
    cached("gain").write_bytes(b"SIMPLE")
    done = refs("check", "one_uncal.fits")
    assert done.exit_code == 4
    assert row(done, "gain ")[-1] == "damaged"
    assert len([line for line in done.stdout.splitlines() if str(cached("gain")) in line]) == 1
    assert done.stdout.splitlines()[-1].endswith(": 1 damaged")


def test_messages_name_options(cached):
    done = refs("list", "-p", "calwebb_detektor1", "one_uncal.fits")
    assert done.stderr.startswith("gpipe: --pipeline: unknown name")


def test_options_of_run(cached, tmp_path):
    (tmp_path / "names.txt").write_text("one_uncal.fits\n")
    shutil.copy(cached("linearity"), "mine.fits")
    done = refs("check", "@names.txt", "--skip", "superbias", "-s", "jump.skip=true", "--ramp_fit.skip", "true",
                "--override", "linearity=mine.fits")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert row(done, "superbias")[-2:] == ["saturation", "cached"]
    assert row(done, "gain")[-2:] == ["gain_scale", "cached"]
    assert row(done, "linearity")[1::4] == [str(tmp_path / "mine.fits"), "override"]
    alone = refs("list", "-p", "linearity", "one_uncal.fits")
    assert len(alone.stdout.splitlines()) == 3


def test_fetch(cached, tmp_path, monkeypatch):
    gain = cached("gain")
    with serving([path for path in (tmp_path / "crds").rglob("jwst_*") if path.is_file()], "jwst_0001.pmap") as server:
        gain.unlink()
        lonely = refs("fetch", "one_uncal.fits")
        assert lonely.exit_code == 4
        assert lonely.stderr.startswith("gpipe: CRDS_SERVER_URL is not set")
        assert lonely.stderr.count("\n") == 1
        monkeypatch.setenv("CRDS_SERVER_URL", server.url)
        done = refs("fetch", "one_uncal.fits", "-q")  # CRDS warns of a server without https
    assert done.exit_code == 0, done.output
    assert row(done, "gain")[-1] == "cached"
    assert gain.is_file()
    assert done.stderr == ""


def test_another_context(cached):
    done = refs("list", "one_uncal.fits", "--context", "jwst_0001.pmap")
    assert (done.exit_code, done.stdout) == (0, "jwst_0001.pmap changes nothing\n")
    unknown = refs("list", "one_uncal.fits", "--context", "jwst_4321.pmap")
    assert unknown.exit_code == 4
    assert "jwst_4321.pmap" in unknown.stderr


def test_files_of_which_one_is_wrong(cached, tmp_path):
    (tmp_path / "two_uncal.fits").write_text("no FITS file")
    done = refs("list", "one_uncal.fits", "two_uncal.fits")
    assert done.exit_code == 3
    assert "references for 1 exposure" in done.stdout
    assert done.stderr.startswith("gpipe: two_uncal.fits: ")
    for arguments, status in ((["no_uncal.fits"], 3), ([], 3), (["one_uncal.fits", "--skip", "nothing"], 2)):
        assert refs("list", *arguments).exit_code == status
