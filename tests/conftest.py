"""The array matrix: every pure function runs on each of these, from NumPy arrays to NumPy arrays."""

import dataclasses
import os
from contextlib import nullcontext
from pathlib import Path

import array_api_compat
import array_api_strict
import numpy as np
import pytest

import gpipe.backends
from gpipe.exceptions import BackendError

ROOT = Path(__file__).parents[1]
os.environ.setdefault("GPIPE_SYNC", "0")  # a hundred small files a second need no disk; tests of durability turn it on
if (ROOT / "gpipe").is_dir() and "GPIPE_TESTED_ELSEWHERE" not in os.environ:
    # An editable installation of another checkout comes before PYTHONPATH and the working folder.
    assert ROOT in Path(gpipe.__file__).parents, f"tests of {ROOT} found gpipe in {gpipe.__file__}"


class ArrayLibrary:
    """Array library: moves NumPy arguments to it, calls a function and moves the result back."""

    def __init__(self, to_device, to_host, *, flags=None, check_residency=None):
        self._to_device = to_device
        self.to_host = to_host
        self._flags = flags or {}
        self._check_residency = check_residency or (lambda x: None)

    def _in(self, value):
        if isinstance(value, np.ndarray):
            return self._to_device(value)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {f.name: self._in(getattr(value, f.name)) for f in dataclasses.fields(value)}
            return dataclasses.replace(value, **fields)
        return value

    def _out(self, value):
        if isinstance(value, (tuple, list)):
            return type(value)(self._out(v) for v in value)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return dataclasses.replace(
                value, **{f.name: self._out(getattr(value, f.name)) for f in dataclasses.fields(value)}
            )
        if array_api_compat.is_array_api_obj(value):
            self._check_residency(value)
            return self.to_host(value)
        return value

    def run(self, function, *args, **kwargs):
        """Call ``function`` on this library; asserts that results stayed there and that no argument was written to."""
        before = [a.copy() for a in args if isinstance(a, np.ndarray)]
        moved = [self._in(a) for a in args]
        moved_kw = {k: self._in(v) for k, v in kwargs.items()}
        with array_api_strict.ArrayAPIStrictFlags(**self._flags) if self._flags else nullcontext():
            result = function(*moved, **moved_kw)
        arrays = [(m, a) for m, a in zip(moved, args, strict=True) if isinstance(a, np.ndarray)]
        for (device_array, _), original in zip(arrays, before, strict=True):
            np.testing.assert_array_equal(self.to_host(device_array), original, err_msg="an argument was written to")
        return self._out(result)


def _strict(device_name, **flags):
    device = array_api_strict.Device(device_name)

    def to_device(host):
        return array_api_strict.asarray(np.array(host, order="C"), device=device)

    def to_host(x):
        return np.array(x.to_device(array_api_strict.Device("CPU_DEVICE")))

    def check(x):
        assert isinstance(x, array_api_strict._array_object.Array), f"left the library: {type(x)}"
        assert x.device == device, f"left the device: {x.device}"

    return ArrayLibrary(to_device, to_host, flags=flags, check_residency=check)


def _numpy():
    return ArrayLibrary(lambda host: host.copy(), np.asarray)


def _read_only():
    def to_device(host):
        frozen = host.copy()
        frozen.setflags(write=False)
        return frozen

    return ArrayLibrary(to_device, np.asarray)


def _cupy():
    try:
        backend = gpipe.backends.get("cupy")
    except BackendError as error:
        pytest.skip(str(error))

    def check(x):
        assert type(x).__module__.split(".")[0] == "cupy", f"left the device: {type(x)}"

    return ArrayLibrary(backend.to_device, backend.to_host, check_residency=check)


LIBRARIES = [
    pytest.param(_numpy, id="numpy"),
    pytest.param(_read_only, id="numpy-read-only"),
    pytest.param(lambda: _strict("device1"), id="strict-device1"),
    pytest.param(
        lambda: _strict("device1", boolean_indexing=False, data_dependent_shapes=False), id="strict-static-shapes"
    ),
    pytest.param(lambda: _strict("no_float64"), id="strict-no-float64"),
    pytest.param(_cupy, id="cupy", marks=pytest.mark.gpu),
]


@pytest.fixture(params=LIBRARIES)
def library(request):
    """One array library of the matrix; ``library.run(function, *numpy_arrays)`` gives NumPy back."""
    return request.param()


@pytest.fixture
def rng():
    return np.random.default_rng(20261123)
