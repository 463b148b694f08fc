"""A whole exposure with the CUDA kernels beside one with the portable functions: on the processor always, on a GPU too
if one answers."""

import comparison
import cuda_on_host
import pytest

import gpipe.backends
from gpipe import simulate
from gpipe.backends import kernels
from gpipe.backends.kernels.cuda import sources
from gpipe.backends.numpy import NumpyBackend
from gpipe.exceptions import BackendError
from gpipe.pipeline import Detector1Pipeline

BRIGHT = {"instrument": "NIRCAM", "detector": "NRCALONG", "subarray": "SUB64P"}
CONFIGS = [
    simulate.ExposureConfig(**BRIGHT, readpatt="SHALLOW4", nints=2, ngroups=5, seed=3),
    simulate.ExposureConfig(**BRIGHT, readpatt="RAPID", nints=1, ngroups=12, seed=4),
]


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
        monkeypatch.setattr(sources, "launch", cuda_on_host.launch)
        used = set()
        yield OnTheProcessor(used)
        assert used == set(kernels.CUDA), "kernels that no step of the exposure asked for"
        return
    try:
        yield gpipe.backends.get("cupy")
    except BackendError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.readpatt)
def test_same_rates_as_the_portable_functions(backend, config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = simulate.write_exposure(config, tmp_path).path
    with simulate.write_cache([config], tmp_path / "cache").activated():
        expected = Detector1Pipeline.call(path, configure_log=False, backend=NumpyBackend(use_kernels=False))
        found = Detector1Pipeline.call(path, configure_log=False, backend=backend)
    agreements = comparison.compare_rates("rate", found, expected)
    assert all(agreement.different == 0 for agreement in agreements), "\n".join(map(str, agreements))
