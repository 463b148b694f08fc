import pytest
from helpers.stub_steps import uncal

from gpipe.controller import call


@pytest.fixture(autouse=True)
def _no_crds_and_own_folder(monkeypatch, tmp_path):
    """Tests name the cache that they want, write into their own folder, and hear what is said once."""
    for variable in ("CRDS_PATH", "CRDS_CONTEXT", "CRDS_SERVER_URL", "STPIPE_DISABLE_CRDS_STEPPARS", "GPIPE_BACKEND"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    call.say_that_run_reads_no_crds_parameters.cache_clear()


@pytest.fixture
def model():
    return uncal()


@pytest.fixture
def path(tmp_path, model):
    """The model as a file."""
    model.save(tmp_path / "jw01_uncal.fits")
    return tmp_path / "jw01_uncal.fits"
