import sys

import numpy as np
import pytest

import gpipe.backends
from gpipe.backends import registry
from gpipe.exceptions import BackendError


def no_gpu():
    try:
        gpipe.backends.get("cupy")
    except BackendError:
        return True
    return False


def test_numpy_by_name():
    assert gpipe.backends.get("numpy").name == "numpy"


def test_a_backend_is_returned_as_it_is():
    backend = gpipe.backends.get("numpy")
    assert gpipe.backends.get(backend) is backend


def test_environment_chooses(monkeypatch):
    monkeypatch.setenv("GPIPE_BACKEND", "numpy")
    assert gpipe.backends.get().name == "numpy"


def test_argument_wins_over_environment(monkeypatch):
    monkeypatch.setenv("GPIPE_BACKEND", "nonsense")
    assert gpipe.backends.get("numpy").name == "numpy"


@pytest.mark.parametrize(("set_by", "shown"), [("argument", "backend='tpu'"), ("environment", "GPIPE_BACKEND='tpu'")])
def test_unknown_name_is_one_clear_line(monkeypatch, set_by, shown):
    monkeypatch.setenv("GPIPE_BACKEND", "tpu")
    with pytest.raises(BackendError, match=f"^{shown} is not a backend of gpipe; expected one of auto, numpy, cupy$"):
        gpipe.backends.get("tpu" if set_by == "argument" else None)


@pytest.mark.skipif(not no_gpu(), reason="this machine has a GPU")
def test_cupy_without_a_gpu_is_an_error_at_once():
    with pytest.raises(BackendError, match="backend 'cupy'"):
        gpipe.backends.get("cupy")


@pytest.mark.skipif(not no_gpu(), reason="this machine has a GPU")
def test_auto_falls_back_to_numpy_and_says_so_once(caplog):
    registry._auto.cache_clear()
    with caplog.at_level("INFO", logger="gpipe"):
        assert gpipe.backends.get("auto").name == "numpy"
        gpipe.backends.get("auto")
    assert [r.message for r in caplog.records if "Backend numpy" in r.message] == [caplog.messages[0]]


@pytest.mark.skipif("cupy" in sys.modules, reason="CuPy is loaded already")
def test_numpy_backend_never_loads_cupy():
    gpipe.backends.get("numpy").to_device(np.ones(3))
    assert "cupy" not in sys.modules
