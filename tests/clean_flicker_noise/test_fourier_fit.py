import numpy as np
import pytest

from gpipe.clean_flicker_noise.fourier_fit import fit_modes, gaussian_spectrum


def slow_fit(samples, weights, modes):
    """Least squares with the whole matrix of complex modes."""
    n = len(samples)
    basis = np.exp(2j * np.pi * np.outer(np.arange(n), modes) / n) / n
    root = np.sqrt(weights)
    return np.linalg.lstsq(basis * root[:, None], samples * root, rcond=None)[0]


@pytest.mark.parametrize("modes", [(0, 1, 2, 3), (0, 1, 2, 30, 31, 32), (0,)])
def test_against_least_squares_with_the_matrix(library, rng, modes):
    samples, weights = rng.normal(3, 1, (4, 64)).astype(np.float32), rng.random((4, 64)).astype(np.float32)
    weights[:, 10:17] = 0
    found = library.run(fit_modes, samples, weights, modes)
    expected = [slow_fit(s.astype(float), w.astype(float), modes) for s, w in zip(samples, weights, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-3 * np.abs(expected).max())


def test_nothing_to_fit(library):
    zeros = np.zeros((2, 16), np.float32)
    np.testing.assert_array_equal(library.run(fit_modes, zeros, zeros, (0, 1, 2)), 0)


def test_more_modes_than_samples_stays_finite(library, rng):
    weights = np.zeros((1, 16), np.float32)
    weights[0, 3:5] = 1
    samples = rng.normal(0, 1, (1, 16)).astype(np.float32)
    assert np.all(np.abs(library.run(fit_modes, samples, weights, (0, 1, 2, 3, 4))) < 1e6)


@pytest.mark.parametrize("count", [20, 21])
def test_the_kernel_is_centred_at_the_second_sample(library, count):
    import array_api_compat

    def kernel(like):
        xp = array_api_compat.array_namespace(like)
        return xp.fft.irfft(gaussian_spectrum(count, 2.0, like, xp=xp), n=count)

    found = library.run(kernel, np.zeros(1, np.float32))
    offset = (np.arange(count) - 1 + count // 2) % count - count // 2
    np.testing.assert_allclose(found, np.exp(-(offset**2) / 8) / (2 * np.sqrt(2 * np.pi)), atol=1e-5)
