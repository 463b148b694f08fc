"""Pixels as FITS stores them, decoded by NumPy and by the CUDA kernels."""

import numpy as np
import pytest

import gpipe.backends
from gpipe.exceptions import BackendError
from gpipe.kernels.cuda import fits

HIGHEST = 1 << 31
# (stored type, wanted type, scale, zero)
SCIENCE, FLOAT, FLAGS = (">i2", "f4", 1, 32768), (">f4", "f4", 1, 0), (">i4", "u4", 1, HIGHEST)
OTHERS = [(">u1", "u1", 1, 0), (">i2", "f4", 2, 5), (">i4", "f4", 1, 0), (">f8", "f4", 1, 0), (">i2", "u2", 1, 32768)]


def pixels(stored):
    """Every value of 16 bits, or those that are hard to decode, in three axes."""
    dtype = np.dtype(stored)
    if dtype.kind == "f":
        values = np.array([0.0, -0.0, 1.5, -3.25e20, np.nan, np.inf, 1e-30, 7.0], dtype)
    elif dtype.itemsize == 2:
        values = np.arange(-(1 << 15), 1 << 15).astype(dtype)
    else:
        info = np.iinfo(dtype)
        values = np.array([info.min, info.min + 1, 0, 1, 255, 256 % (info.max + 1), info.max - 1, info.max], dtype)
    return values.reshape(2, 2, -1)


def expected(stored, wanted, scale, zero):
    return (scale * pixels(stored).astype(np.float64) + zero).astype(wanted)


@pytest.fixture(params=["numpy", pytest.param("cupy", marks=pytest.mark.gpu)])
def backend(request):
    try:
        return gpipe.backends.get(request.param)
    except BackendError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("case", [SCIENCE, FLOAT, FLAGS, *OTHERS], ids=str)
def test_values_and_types(backend, case):
    stored, wanted, scale, zero = case
    before = pixels(stored)
    found = backend.to_host(backend.from_fits(before, wanted, scale=scale, zero=zero))
    np.testing.assert_array_equal(found, expected(*case))
    assert found.dtype == wanted
    assert found.dtype.isnative
    np.testing.assert_array_equal(before, pixels(stored))


@pytest.mark.parametrize("case", [SCIENCE, FLOAT, FLAGS], ids=str)
def test_kernels(cuda, case):
    stored, wanted, scale, zero = case
    assert fits.is_covered(stored[1:], wanted, scale=scale, zero=zero)
    data = pixels(stored)
    found = cuda(fits.decode, data.view(f"u{data.itemsize}"), wanted, zero=zero)
    np.testing.assert_array_equal(found, expected(*case))
    assert found.dtype == wanted


@pytest.mark.parametrize("case", OTHERS, ids=str)
def test_other_types_are_left_to_the_host(case):
    stored, wanted, scale, zero = case
    assert not fits.is_covered(stored[1:], wanted, scale=scale, zero=zero)


def test_warming_up_returns_at_once(backend):
    assert backend.warm_up() is None
