import numpy as np
import pytest

import gpipe.backends
from gpipe.exceptions import BackendError


@pytest.fixture(params=["numpy", pytest.param("cupy", marks=pytest.mark.gpu)])
def backend(request):
    try:
        return gpipe.backends.get(request.param)
    except BackendError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("dtype", [">u2", "<u2", ">f4", "<f4", ">i4", ">f8", "u1"])
def test_values_survive_any_byte_order(backend, dtype):
    host = np.arange(12).astype(dtype).reshape(3, 4)
    there = backend.to_device(host)
    assert np.dtype(str(there.dtype)).isnative
    back = backend.to_host(there)
    assert back.dtype.isnative
    np.testing.assert_array_equal(back, host)


def test_host_array_is_not_changed(backend):
    host = np.arange(5, dtype=">f4")
    backend.to_device(host)
    np.testing.assert_array_equal(host, np.arange(5))
    assert host.dtype == ">f4"


def test_foreign_arrays_are_refused_on_the_way_out(backend):
    with pytest.raises(TypeError, match=r"found builtins\.list"):
        backend.to_host([1, 2])


def test_free_memory_is_known(backend):
    assert backend.free_bytes() > 2**20


def test_synchronise_returns(backend):
    assert backend.synchronize() is None
