import numpy as np
import pytest

from gpipe.arrays import accumulator_dtype
from gpipe.refpix.correction import correct_four_amplifiers
from gpipe.refpix.orientation import Orientation
from gpipe.refpix.settings import DriftSettings
from gpipe.refpix.sirs import convolution_kernels, convolve_rows, optimal_side_signal


def convolved(library, x, kernels):
    import array_api_compat

    return library.run(lambda a, k: convolve_rows(a, k, xp=array_api_compat.array_namespace(a)), x, kernels)


def signal(library, data, columns, kernels, sigreject):
    import array_api_compat

    def run(a, c, k):
        xp = array_api_compat.array_namespace(a)
        return optimal_side_signal(a, xp.astype(c, accumulator_dtype(a, xp=xp)), k, sigreject=sigreject, xp=xp)

    return library.run(run, data, columns, kernels)


def one_convolution(x, kernel):
    half = len(kernel) // 2
    out = np.zeros(len(x))
    for row in range(len(x)):
        for tap in range(-half, half + 1):
            if 0 <= row - tap < len(x):
                out[row] += x[row - tap] * kernel[tap + half]
    return out


@pytest.mark.parametrize("taps", [1, 5, 21])
def test_convolution_with_each_kernel(library, rng, taps):
    x = rng.normal(size=(2, 3, 12)).astype(np.float32)
    kernels = rng.normal(size=(4, taps)).astype(np.float32)
    out = convolved(library, x, kernels)
    assert out.shape == (2, 3, 12, 4)
    for i in range(2):
        for group in range(3):
            for k in range(4):
                np.testing.assert_allclose(out[i, group, :, k], one_convolution(x[i, group], kernels[k]), atol=1e-5)


def cosines(coefficients, lag):
    """The value of an inverse real Fourier transform at one lag."""
    last = len(coefficients) - 1
    period = 2 * last
    value = coefficients[0].real + coefficients[last].real * np.cos(np.pi * lag)
    for k in range(1, last):
        value += 2 * (coefficients[k] * np.exp(2j * np.pi * k * lag / period)).real
    return value / period


def test_kernels_without_smoothing_are_the_inverse_transform(library, rng):
    coefficients = (rng.normal(size=(2, 4, 9)) + 1j * rng.normal(size=(2, 4, 9))).astype(np.complex64)
    kernels = library.run(convolution_kernels, coefficients, gaussmooth=0.0, halfwidth=10)
    assert kernels.shape == (2, 4, 21)
    for lag in range(-10, 11):
        expected = cosines(coefficients[1, 2], lag) if -8 <= lag < 8 else 0.0
        assert kernels[1, 2, lag + 10] == pytest.approx(expected, abs=1e-5)


def test_kernels_are_smoothed_with_a_gaussian(library, rng):
    coefficients = (rng.normal(size=(2, 4, 17)) + 1j * rng.normal(size=(2, 4, 17))).astype(np.complex64)
    sharp = library.run(convolution_kernels, coefficients, gaussmooth=0.0, halfwidth=6)
    smooth = library.run(convolution_kernels, coefficients, gaussmooth=1.5, halfwidth=6)
    window = np.exp(-(np.arange(-6, 7) ** 2) / (2 * 1.5**2))
    expected = one_convolution(sharp[0, 3], window / window.sum())
    np.testing.assert_allclose(smooth[0, 3], expected, atol=1e-5)


def plain_signal(side, kernel, sigreject):
    """One side (row, 4), one kernel."""
    known = side[~np.isnan(side)]
    middle = np.median(known)
    sigma = 1.48 * np.median(np.abs(known - middle))
    good = np.abs(side - middle) <= sigreject * sigma
    level, share = np.where(good, side, 0).sum(axis=1) / 4, good.sum(axis=1) / 4
    known = one_convolution(share, kernel)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = one_convolution(level, kernel) * one_convolution(np.ones(len(level)), kernel) / known
    return np.where(known != 0, found, 0)


def test_signal_beside_a_plain_loop(library, rng):
    data = rng.normal(10, 3, (2, 2, 32, 24)).astype(np.float32)
    data[0, 0, 3, 1] = data[1, 1, 20, -2] = 900
    data[0, 1, 5, 0] = np.nan
    columns = rng.normal(0, 2, (2, 2, 24)).astype(np.float32)
    kernels = rng.normal(0.2, 0.05, (2, 4, 7)).astype(np.float32)
    out = signal(library, data, columns, kernels, 4.0)
    level = data - columns[:, :, None, :]
    for i in range(2):
        for group in range(2):
            for amplifier in range(4):
                expected = plain_signal(level[i, group, :, :4], kernels[0, amplifier], 4.0)
                expected += plain_signal(level[i, group, :, -4:], kernels[1, amplifier], 4.0)
                np.testing.assert_allclose(out[i, group, :, amplifier], expected, rtol=1e-4)


def test_rows_without_a_good_pixel_in_reach_are_left(library):
    data = np.zeros((1, 1, 40, 16), np.float32)
    data[0, 0, 10:20, :4] = 50.0
    data[0, 0, 10:20, -4:] = 50.0
    out = signal(library, data + 1, np.zeros((1, 1, 16), np.float32), np.full((2, 4, 3), 0.2, np.float32), 3.0)
    np.testing.assert_array_equal(out[0, 0, 11:19], 0)
    np.testing.assert_allclose(out[0, 0, 21:39], 1.2, rtol=1e-6)


def test_noise_of_rows_is_removed_where_the_median_smears_it():
    """Rows that jump from one to the next, in all amplifiers: a kernel of one tap takes them out, the median cannot."""
    rng = np.random.default_rng(5)
    rows = rng.normal(0, 20, 2048).astype(np.float32)
    data = np.broadcast_to(rows[:, None], (1, 1, 2048, 2048)).copy()
    pixeldq = np.zeros((2048, 2048), np.uint32)
    kernels = np.full((2, 4, 1), 0.5)
    out = correct_four_amplifiers(data, pixeldq, Orientation(1, 2), DriftSettings(side_kernels=kernels, sigreject=20.0))
    plain = correct_four_amplifiers(data, pixeldq, Orientation(1, 2))
    assert out.dtype == np.float32
    assert np.std(out[0, 0, :, 1000]) < 0.01
    assert np.std(plain[0, 0, :, 1000]) > 10
