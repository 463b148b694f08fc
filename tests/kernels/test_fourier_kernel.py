"""The kernels of Fourier transforms beside the portable functions, whose numbers they repeat bit by bit."""

import numpy as np
import pytest
from helpers.in_c import in_every_variant, kernel, unaligned

from gpipe.arrays import fourier

pytestmark = [in_every_variant, pytest.mark.filterwarnings("ignore::RuntimeWarning")]
KERNELS = {function: kernel(function) for function in (fourier.twisted, fourier.untwisted)}


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


def with_special(rng, shape):
    values = rng.normal(0, 1, shape).astype(np.float32)
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45], np.float32)
    where = rng.random(shape) < 0.3
    values[where] = rng.choice(special, where.sum())
    return values


def angles(rng, half, columns):
    angle = rng.random((half, columns)) * 6
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


@pytest.mark.parametrize(("half", "columns"), [(1, 1), (3, 8), (2, 64), (45, 512)])
@pytest.mark.parametrize(
    "make",
    [lambda x: x, unaligned, lambda x: np.repeat(x, 2, axis=0)[::2]],
    ids=["plain", "one byte on", "strided"],
)
def test_numbers_that_are_none_and_arrays_of_any_memory(rng, half, columns, make):
    """Except for those that are turned: the portable function multiplies by i, which makes NaN of infinite parts."""
    width = min(fourier.SHORT, columns)
    cosine, sine = angles(rng, half, columns)
    pieces = rng.normal(0, 1, (columns // width, 2 * half, width)).astype(np.float32)
    given = make(pieces), make(cosine), make(sine)
    np.testing.assert_array_equal(KERNELS[fourier.twisted](*given), fourier.twisted(*given), strict=True)
    mixed = with_special(rng, (half, 2 * columns)).view(np.complex64)
    given = make(mixed), make(cosine), make(sine)
    found, expected = KERNELS[fourier.untwisted](*given), fourier.untwisted(*given)
    np.testing.assert_array_equal(found, expected, strict=True)
