"""A frame of few lines behaves as one of 2048; the lines keep enough pixels for three modes."""

import numpy as np
import pytest

from gpipe.clean_flicker_noise.full_frame import fit_full_frame

LINES, LENGTH, MODES = 14, 512, 3


def scene(rng):
    """A frame in the science orientation: lines run along columns."""
    x = np.arange(LENGTH)
    noise = rng.normal(0, 2, (LINES, 1)) + rng.normal(0, 2, (LINES, 1)) * np.cos(2 * np.pi * x / LENGTH)
    mask = rng.random((LINES, LENGTH)) < 0.8
    mask[:, 100:130] = False
    image = noise + rng.normal(0, 1, noise.shape)
    image[3, 40] = 500
    return np.ascontiguousarray(image.T.astype(np.float32)), np.ascontiguousarray(mask.T)


def slow_fit(image, mask, detector):
    lines, allowed = image.T.astype(float), mask.T
    if detector != "NRS1":
        lines, allowed = lines[::-1], allowed[::-1]
    x = np.arange(LENGTH)
    offset = (x[:, None] - x[None, :] - 1 + LENGTH // 2) % LENGTH - LENGTH // 2
    kernel = np.exp(-(offset**2) / 2 / 32**2) / 32 / np.sqrt(2 * np.pi)
    own = allowed @ kernel.T
    density = np.where(np.roll(own, 1, 0) > 0.1 * own, np.roll(own, 1, 0), own)
    modes = np.zeros((LINES, MODES), complex)
    for y in range(4, LINES - 4):
        at = allowed[y]
        values = lines[y][at]
        median = np.median(values)
        reach = 3 * 1.4826 * np.median(np.abs(values - median))
        values = np.where(np.abs(values - median) <= reach, values, median)
        basis = np.exp(2j * np.pi * np.outer(x[at], np.arange(MODES)) / LENGTH)
        weight = 1 / density[y][at]
        modes[y] = np.linalg.lstsq(basis * weight[:, None], values * weight, rcond=None)[0]
    gain = np.where(np.arange(MODES) / LENGTH <= 1 / 256 - 1 / 2048, 1.0, 0.5)
    amplitudes = modes * gain * LENGTH
    model = np.fft.irfft(np.pad(amplitudes, ((0, 0), (0, LENGTH // 2 + 1 - MODES))), LENGTH)
    y = np.arange(LINES)
    offset = (y[:, None] - y[None, :] - 1 + LINES // 2) % LINES - LINES // 2
    smooth = np.exp(-(offset**2) / 2 / 1.5**2) / 1.5 / np.sqrt(2 * np.pi)
    model = np.roll(smooth @ model, 1, axis=1)
    return (model if detector == "NRS1" else model[::-1]).T


@pytest.mark.parametrize("detector", ["NRS1", "NRS2"])
def test_against_a_loop_over_lines(library, rng, detector):
    image, mask = scene(rng)
    found = library.run(fit_full_frame, image, mask, detector=detector)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, slow_fit(image, mask, detector), atol=2e-3)


def test_lines_with_too_few_pixels_get_nothing_of_their_own(library, rng):
    image, mask = scene(rng)
    mask[:] = False
    mask[5:7, :] = True
    found = library.run(fit_full_frame, image, mask, detector="NRS1")
    np.testing.assert_array_equal(found, 0)


def test_a_line_after_a_masked_one_is_weighted_by_its_own_density(library, rng):
    """jwst divides by the density of the line before, whatever it is."""
    image, mask = scene(rng)
    mask[:, 6] = False
    found = library.run(fit_full_frame, image, mask, detector="NRS1")
    assert np.max(np.abs(found)) < 15
