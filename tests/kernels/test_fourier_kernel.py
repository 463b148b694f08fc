"""The numba kernels of Fourier transforms beside the portable functions, whose numbers they repeat bit by bit."""

import numpy as np
import pytest

from gpipe.arrays import fourier
from gpipe.backends import native

pytest.importorskip("numba")
KERNELS = {function: native.find(function, native.CPU) for function in (fourier.twisted, fourier.untwisted)}


@pytest.mark.parametrize("length", [1, 2, 12, 39 * 32, 89 * 256])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_transform_and_back(rng, length, dtype):
    stream = rng.normal(3, 1, length).astype(dtype)
    portable, native = fourier.Fourier(stream), fourier.Fourier(stream, native=KERNELS.get)
    spectrum = native.spectrum(stream)
    np.testing.assert_array_equal(spectrum, portable.spectrum(stream))
    found = native.stream(spectrum)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, portable.stream(spectrum))
