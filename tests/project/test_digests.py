"""Records of digests: the same run gives the same digests, and every difference of a product is reported."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from astropy.io import fits

from benchmarks.digests import __main__ as command
from benchmarks.digests import runs, worker
from benchmarks.digests.record import differences

NAME = "short: nircam, groups 2"
RATE = "jw00001001001_01101_00001_nrcb1_rate.fits"


@pytest.fixture(scope="module")
def run():
    return next(run for run in runs.everything() if run.name == NAME)


@pytest.fixture(scope="module")
def place(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("digests") / "inputs"
    worker.make(run, folder)
    return folder


def recorded(run, place, tmp_path, change=lambda: None):
    """A record, with products that are changed once they are written."""

    def work(paths, backend):
        run.work(paths, backend)
        change()

    return {"kernels": {run.name: worker.recorded(replace(run, work=work), place, tmp_path / "products")}}


def keyword(name, value):
    return lambda: fits.setval(RATE, name, value=value)


def pixel():
    with fits.open(RATE, mode="update") as hdus:
        hdus["SCI"].data[3, 4] += 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (keyword("DATE", "2026-01-01"), []),
        (keyword("NGROUPS", 77), ["differs: PRIMARY,1] header"]),
        (pixel, ["differs: SCI,1] data"]),
    ],
    ids=["date", "keyword", "pixel"],
)
def test_what_differs_is_told(change, expected, run, place, tmp_path):
    before = recorded(run, place, tmp_path)
    equal, lines = differences(before, recorded(run, place, tmp_path, change))
    assert [line.replace(f"kernels: {NAME}: {RATE}[", "") for line in lines] == expected
    assert equal == len(before["kernels"][NAME]) - len(expected) > 30


def test_a_missing_product_is_told(run, place, tmp_path):
    before, after = recorded(run, place, tmp_path), recorded(run, place, tmp_path, Path(RATE).unlink)
    missing = [part for part in before["kernels"][NAME] if part.startswith(RATE)]
    assert len(missing) > 10
    assert differences(before, after)[1] == [f"missing: kernels: {NAME}: {part}" for part in missing]
    assert differences(after, before)[1] == [f"additional: kernels: {NAME}: {part}" for part in missing]


def test_the_command_records_and_compares(run, place, tmp_path, capsys):
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    assert command.main([str(first), "--only", NAME, "--jobs", "1"]) == 0
    found = json.loads(first.read_text())
    assert found["kernels"] == found["portable"] == recorded(run, place, tmp_path)["kernels"]
    assert command.main(["--compare", str(first), str(first)]) == 0
    assert "0 are not" in capsys.readouterr().out
    del found["portable"][NAME][f"{RATE}[SCI,1] data"]
    second.write_text(json.dumps(found))
    assert command.main(["--compare", str(first), str(second)]) == 1
    told = capsys.readouterr().out
    assert f"missing: portable: {NAME}: {RATE}[SCI,1] data\n" in told
    assert "1 are not" in told


def test_names_differ_and_choose(tmp_path):
    names = [run.name for run in runs.everything()]
    assert len(set(names)) == len(names)
    with pytest.raises(SystemExit, match="found 'nothing'; expected a part of: benchmark: NIRCam full frame"):
        command.main([str(tmp_path / "out.json"), "--only", "nothing"])
