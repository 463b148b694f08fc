import pytest

from gpipe import simulate

CONFIG = simulate.ExposureConfig(
    instrument="NIRCAM", detector="NRCALONG", readpatt="SHALLOW4", subarray="SUB64P", nints=2, ngroups=5, seed=3
)


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """A small exposure with its references in a CRDS cache; tests must not write beside them."""
    folder = tmp_path_factory.mktemp("small")
    exposure = simulate.write_exposure(CONFIG, folder)
    return exposure, simulate.write_cache([CONFIG], folder / "cache")


@pytest.fixture
def exposure(small, tmp_path, monkeypatch):
    """The path of the exposure; its cache is set, and the working folder is the test's own."""
    monkeypatch.chdir(tmp_path)
    with small[1].activated():
        yield small[0].path
