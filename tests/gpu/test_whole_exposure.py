"""A whole exposure with the CUDA kernels beside one with the portable functions: on the processor always, on a GPU too
if one answers."""

import re

import comparison
import cuda_on_host
import pytest

import gpipe.backends
from gpipe import simulate
from gpipe.backends import kernels
from gpipe.backends.numpy import NumpyBackend
from gpipe.exceptions import BackendError
from gpipe.pipeline import Detector1Pipeline

BRIGHT = {"instrument": "NIRCAM", "detector": "NRCALONG", "subarray": "SUB64P"}
CONFIGS = [
    simulate.ExposureConfig(**BRIGHT, readpatt="SHALLOW4", nints=2, ngroups=5, seed=3),
    simulate.ExposureConfig(**BRIGHT, readpatt="RAPID", nints=1, ngroups=12, seed=4),
]
SNOWBALLS = simulate.ExposureConfig(
    **BRIGHT, readpatt="SHALLOW4", nints=2, ngroups=5, seed=5, noise=simulate.NoiseEffects(snowballs=100.0)
)
FOR_SNOWBALLS = {"gpipe.jump.groups_host.large_groups"}


class OnTheProcessor(NumpyBackend):
    """NumPy arrays, but the kernels of the GPU."""

    def __init__(self, used):
        super().__init__()
        self.used = used

    def native(self, function):
        kernel = kernels.find(function, kernels.CUDA)
        if kernel is not None:
            self.used.add(f"{function.__module__}.{function.__qualname__}")
        return kernel or function

    def suited_to(self, samples, *, keeps_planes=True):
        return self


@pytest.fixture(
    params=[pytest.param("processor", marks=cuda_on_host.needs_compiler), pytest.param("gpu", marks=pytest.mark.gpu)]
)
def backend(request, monkeypatch):
    if request.param == "processor":
        cuda_on_host.stand_in(monkeypatch)
        return OnTheProcessor(set())
    try:
        return gpipe.backends.get("cupy")
    except BackendError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.readpatt)
def test_same_rates_as_the_portable_functions(backend, config, tmp_path):
    compare(backend, config, tmp_path)
    check_kernels(backend, set(kernels.CUDA) - FOR_SNOWBALLS)


def test_same_rates_with_snowballs(backend, tmp_path, caplog):
    caplog.set_level("INFO")
    compare(backend, SNOWBALLS, tmp_path, jump={"expand_large_events": True})
    check_kernels(backend, set(kernels.CUDA))
    counts = re.findall(r"(\d+) snowballs found", caplog.text)
    assert counts[0] == counts[1] != "0"
    assert "looked for on the host" not in caplog.text


def compare(backend, config, folder, **steps):
    path = simulate.write_exposure(config, folder).path
    options = {"configure_log": False, "steps": steps}
    with simulate.write_cache([config], folder / "cache").activated():
        expected = Detector1Pipeline.call(path, backend=NumpyBackend(use_kernels=False), **options)
        found = Detector1Pipeline.call(path, backend=backend, **options)
    agreements = comparison.compare_rates("rate", found, expected)
    assert all(agreement.different == 0 for agreement in agreements), "\n".join(map(str, agreements))


def check_kernels(backend, wanted):
    """Steps asked for all kernels that the exposure needs."""
    assert not isinstance(backend, OnTheProcessor) or backend.used == wanted
