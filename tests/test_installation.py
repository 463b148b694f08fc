"""Facts for a report of a problem."""

import pytest

import gpipe
from gpipe.kernels.native import library


@pytest.fixture(autouse=True)
def _as_it_is(monkeypatch):
    monkeypatch.delenv("GPIPE_NATIVE_LIBRARY", raising=False)
    library.load.cache_clear()
    yield
    library.load.cache_clear()


def test_kernels_in_use_are_named(monkeypatch):
    if library.mode() == "never":
        monkeypatch.delenv("GPIPE_NATIVE")
    if not library.is_used():
        pytest.skip("no native kernels")
    found = library.load()
    assert gpipe.info().kernels == f"{found.variants[-1]} of {found.path}"


def test_why_there_are_none(monkeypatch, tmp_path):
    monkeypatch.setenv("GPIPE_NATIVE", "0")
    assert gpipe.info().kernels == "none (GPIPE_NATIVE=0): portable functions"
    monkeypatch.setenv("GPIPE_NATIVE", "")
    monkeypatch.setenv("GPIPE_NATIVE_LIBRARY", str(tmp_path / "nowhere.so"))
    assert "nowhere.so" in gpipe.info().kernels


def test_versions_and_variables(monkeypatch):
    monkeypatch.setenv("GPIPE_BACKEND", "numpy")
    monkeypatch.delenv("CRDS_PATH", raising=False)
    found = gpipe.info()
    assert found.versions["gpipe"] == gpipe.__version__
    assert "numpy" in found.versions
    assert found.environment["GPIPE_BACKEND"] == "numpy"
    assert "CRDS_PATH" not in found.environment
    lines = str(found).splitlines()
    assert f"gpipe {gpipe.__version__}" in lines
    assert "GPIPE_BACKEND=numpy" in lines
    assert any(line.startswith("memory: ") and line.endswith(")") for line in lines)
    assert sum(line.startswith("native kernels: ") for line in lines) == 1
