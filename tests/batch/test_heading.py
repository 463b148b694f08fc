"""The heading of a run: references, and what CRDS says of parameters that the user gives."""

import shutil

import pytest
from helpers.simulated import small

from gpipe import simulate
from gpipe.batch.heading import heading
from gpipe.controller.call import CallOptions
from gpipe.controller.inputs import jobs
from gpipe.controller.several import HEADERS_HELD
from gpipe.pipeline import Detector1Pipeline

PARS = {
    "pars-jumpstep": {
        "class": "jwst.jump.jump_step.JumpStep",
        "name": "jump",
        "parameters": {"rejection_threshold": 6},
    }
}
STEPS = {"jump": {"rejection_threshold": 5}}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated")
    path = simulate.write_exposure(small(), folder).path
    return path, simulate.write_cache([small()], folder / "crds", full_frame=False, pars=PARS)


@pytest.fixture
def lines(simulated):
    """A function from paths and options to the heading."""

    def made(*paths, **options):
        to_do = jobs([*paths], Detector1Pipeline.kinds())
        return heading(Detector1Pipeline, to_do, CallOptions({}, STEPS, **options))

    with simulated[1].activated():
        yield made


def test_references_and_the_value_of_crds(lines, simulated):
    path, _ = simulated
    whole, given = lines(path)
    assert whole.endswith(" · 8 references, all in the cache (context jwst_0001.pmap)")
    assert given == "jump.rejection_threshold = 5.0 (given; CRDS says 6.0)"
    whole, given = lines(path, uses_crds_parameters=False)
    assert " · 7 references, " in whole
    assert given == "jump.rejection_threshold = 5.0 (given; the default is 4.0)"


def test_an_exposure_that_cannot_be_read_is_left_out(lines, simulated, tmp_path):
    (tmp_path / "broken_uncal.fits").write_bytes(b"none")
    whole, given = lines(simulated[0], tmp_path / "broken_uncal.fits")
    assert whole.startswith("2 exposures · ")
    assert " · 8 references, " in whole
    assert given == "jump.rejection_threshold = 5.0 (given; CRDS says 6.0 for 1 of them)"


def test_references_that_the_cache_lacks_are_counted(lines, simulated, tmp_path, monkeypatch):
    path, cache = simulated
    shutil.copytree(cache.folder, tmp_path / "crds")
    monkeypatch.setenv("CRDS_PATH", str(tmp_path / "crds"))
    next((tmp_path / "crds").rglob("*gain*.fits")).unlink()
    assert " · 8 references, 1 not in the cache (context " in lines(path)[0]


def test_without_crds_and_for_long_lists_there_are_none(lines, simulated, monkeypatch):
    path, _ = simulated
    long = lines(*[path] * (HEADERS_HELD + 1))
    monkeypatch.setenv("CRDS_CONTEXT", "jwst_9999.pmap")
    for whole, given in (long, lines(path)):
        assert "reference" not in whole
        assert given.endswith("(given; the default is 4.0)")
