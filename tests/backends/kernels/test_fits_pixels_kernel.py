"""The numba kernel that decodes pixels of files beside the portable function, bit by bit."""

import numpy as np
import pytest

from gpipe.backends import kernels
from gpipe.backends.fits_pixels import decode

pytest.importorskip("numba")
KERNEL = kernels.find(decode, kernels.CPU)
COUNTS = np.arange(1 << 16, dtype=np.uint16).view(">i2").reshape(2, 256, 128)


def floats():
    rng = np.random.default_rng(2)
    values = rng.integers(0, 1 << 32, (3, 40, 33), np.uint32).view(">f4")  # of which some are NaN
    values[0, 0, :4] = [np.inf, -np.inf, 0.0, -0.0]
    return values


def assert_same(stored, dtype, *, scale=1, zero=0):
    stored = stored[:]
    stored.flags.writeable = False
    out = [np.full(stored.shape, 7, dtype) for _ in range(2)]
    for put, values in zip((KERNEL, decode), out, strict=True):
        put(stored, values, scale=scale, zero=zero)
    np.testing.assert_array_equal(*(values.view(f"u{values.itemsize}") for values in out))


def test_all_counts():
    assert_same(COUNTS, np.float32, zero=1 << 15)


def test_any_float():
    assert_same(floats(), np.float32)


@pytest.mark.parametrize("index", [np.s_[..., 1:9], np.s_[:, ::2], np.s_[:0]], ids=str)
def test_parts(index):
    assert_same(COUNTS[index], np.float32, zero=1 << 15)
    assert_same(floats()[index], np.float32)


@pytest.mark.parametrize("scaling", [{}, {"zero": 3}, {"scale": 0.5, "zero": 1 << 15}], ids=str)
def test_other_scales_of_counts(scaling):
    assert_same(COUNTS, np.float32, **scaling)


@pytest.mark.parametrize(
    ("stored", "dtype", "zero"),
    [(">i2", np.uint16, 1 << 15), (">i4", np.uint32, 1 << 31), (">u1", np.uint8, 0), (">f8", np.float32, 0)],
)
def test_other_types(stored, dtype, zero):
    assert_same(np.arange(60).reshape(3, 4, 5).astype(stored), dtype, zero=zero)
