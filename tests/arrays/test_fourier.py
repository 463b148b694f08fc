import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpipe.arrays.fourier import Fourier, arranged

LENGTHS = [1, 2, 3, 8, 12, 39 * 32, 89 * 256]


def slow_spectrum(stream):
    """Frequencies 0 … n - 1 by sums in double precision."""
    turns = np.arange(len(stream)) / len(stream)
    return np.array([(stream * np.exp(-2j * np.pi * f * turns)).sum() for f in range(len(stream))]) / len(stream) ** 0.5


def there(x):
    return Fourier(x).spectrum(x)


def there_and_back(x):
    fourier = Fourier(x)
    return fourier.stream(fourier.spectrum(x))


@pytest.mark.parametrize("length", LENGTHS[:-1])
def test_spectrum_is_that_of_sums(library, rng, length):
    stream = rng.normal(3, 1, length).astype(np.float32)
    found = library.run(there, stream)
    assert found.dtype == np.complex64
    np.testing.assert_allclose(found, arranged(slow_spectrum(stream)), atol=3e-7 * np.abs(stream).sum())


@pytest.mark.parametrize("length", LENGTHS)
def test_the_inverse_gives_the_stream_back(library, rng, length):
    stream = rng.normal(3, 1, length).astype(np.float32)
    found = library.run(there_and_back, stream)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, stream, atol=2e-5)


def test_a_filter_in_single_precision_is_that_of_a_long_transform(rng):
    stream = rng.normal(0, 1, 89 * 1024).astype(np.float32)
    half = rng.normal(0, 1, len(stream) // 2 + 1)
    passed = arranged(np.concatenate([half, half[1:-1][::-1]])).astype(np.float32)
    fourier = Fourier(stream)
    found = fourier.stream(passed * fourier.spectrum(stream))
    expected = np.fft.irfft(half * np.fft.rfft(stream.astype(float)), n=len(stream))
    np.testing.assert_allclose(found, expected, atol=5e-6)


def test_frequencies_are_arranged_by_their_remainder(library, rng):
    values = rng.normal(0, 1, (2, 12)).astype(np.float32)
    expected = [[[x[3 * c + r] for c in range(4)] for r in range(2)] for x in values]
    np.testing.assert_array_equal(library.run(arranged, values), expected)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 400), st.integers(0, 2**32 - 1))
def test_double_precision_round_trip_and_linearity(length, seed):
    rng = np.random.default_rng(seed)
    one, other = rng.normal(0, 1, (2, length))
    fourier = Fourier(one)
    np.testing.assert_allclose(fourier.stream(fourier.spectrum(one)), one, atol=1e-12)
    together = fourier.spectrum(2 * one - 3 * other)
    np.testing.assert_allclose(together, 2 * fourier.spectrum(one) - 3 * fourier.spectrum(other), atol=1e-11)
    np.testing.assert_allclose(together, arranged(np.fft.fft(2 * one - 3 * other)) / length**0.5, atol=1e-11)
