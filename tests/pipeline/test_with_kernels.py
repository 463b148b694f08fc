"""Kernels and portable functions give the same exposures, bit by bit: which of them ran does not matter."""

import numpy as np
import pytest

from gpipe import simulate
from gpipe.backends import numpy as on_host
from gpipe.kernels.native import library
from gpipe.pipeline import Detector1Pipeline

PLANES = ("data", "dq", "err", "var_poisson", "var_rnoise")
NIRCAM = simulate.ExposureConfig(
    detector="NRCALONG", readpatt="SHALLOW4", subarray="SUB160", ngroups=8, nints=2, seed=3
)
NIRISS = simulate.ExposureConfig(detector="NIS", readpatt="NISRAPID", subarray="SUB64", ngroups=6, nints=12, seed=3)
MIRI = simulate.ExposureConfig(detector="MIRIMAGE", readpatt="FASTR1", subarray="SUB64", ngroups=9, nints=3, seed=3)
CASES = [
    pytest.param(NIRCAM, {}, id="NIRCam"),
    pytest.param(NIRISS, {"charge_migration": {"skip": False, "signal_threshold": 2000.0}}, id="NIRISS"),
    pytest.param(MIRI, {}, id="MIRI"),
]


def rates(path, steps, monkeypatch, mode):
    """Planes of both products, and the functions that the backend gave."""
    given = set()
    native = on_host.NumpyBackend.native

    def seen(self, function):
        found = native(self, function)
        given.add(found.__module__)
        return found

    monkeypatch.setattr(on_host.NumpyBackend, "native", seen)
    monkeypatch.setenv("GPIPE_NATIVE", mode)
    rate = Detector1Pipeline.call(path, configure_log=False, backend="numpy", steps=steps)
    monkeypatch.setattr(on_host.NumpyBackend, "native", native)
    return {name: np.asarray(getattr(rate, name)) for name in PLANES}, given


@pytest.mark.parametrize(("config", "steps"), CASES)
def test_an_exposure_is_the_same(config, steps, tmp_path, monkeypatch):
    if not library.is_used():
        pytest.skip("no native kernels")
    monkeypatch.chdir(tmp_path)
    path, cache = simulate.write_exposure(config, tmp_path).path, simulate.write_cache([config], tmp_path / "cache")
    with cache.activated():
        expected, portable = rates(path, steps, monkeypatch, "0")
        found, native = rates(path, steps, monkeypatch, "1")
    assert not any("kernels" in module for module in portable)
    for step in ("saturation", "linearity", "jump", "ramp_fit"):
        assert f"gpipe.kernels.native.{step}.{step}" in native
    for name in PLANES:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
