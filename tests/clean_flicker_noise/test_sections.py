from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpipe.clean_flicker_noise.sections import CUTOFFS, Cutoffs, Section, fit_section, fit_sections, plan_sections

TICK = 9.999999747378752e-06


def slow_plan(counts):
    """Word by word what jwst's documentation says, line by line."""
    total, sections = np.concatenate([[0], np.cumsum(counts)]), []
    used = np.flatnonzero(counts)
    if not len(used):
        return []
    start, last = used[0], used[-1]
    while start <= last:
        for stop in range(start + 1, last + 2):
            if total[stop] - total[start] > 512 and total[-1] - total[start] > 768:
                break
        sections.append(Section(int(start), int(stop - start)))
        if stop == last + 1:
            break
        start += max(round((stop - start) / 2), 1)
    return sections


@given(st.lists(st.integers(0, 300), min_size=1, max_size=120))
def test_plan_against_a_loop(counts):
    assert plan_sections(counts) == slow_plan(counts)


def slow_section(lines, mask, cutoffs):
    rows, pixels = lines.shape
    ticks = rows * (pixels + 12)
    frequency = np.fft.rfftfreq(ticks, TICK)
    gain = np.array([cutoffs.gain(f) for f in frequency])
    modes = np.flatnonzero(gain > 0)
    at = (np.arange(rows)[:, None] * (pixels + 12) + np.arange(pixels))[mask]
    t = np.arange(ticks)
    offset = (at[:, None] - at[None, :] - 1 + ticks // 2) % ticks - ticks // 2
    sigma = 1 / ((cutoffs.low + cutoffs.low_end) / 2) / TICK / 8
    weight = 1 / np.sum(np.exp(-(offset**2) / 2 / sigma**2) / sigma / np.sqrt(2 * np.pi), axis=1)
    basis = np.exp(2j * np.pi * np.outer(at, modes) / ticks)
    found = np.linalg.lstsq(basis * weight[:, None], lines[mask] * weight, rcond=None)[0]
    spectrum = np.zeros(len(frequency), complex)
    spectrum[modes] = found * gain[modes] * ticks
    return np.fft.irfft(spectrum, len(t)).reshape(rows, -1)[:, :pixels]


@pytest.mark.parametrize("cutoffs", [Cutoffs(), CUTOFFS["ALLSLITS"]], ids=["default", "allslits"])
@pytest.mark.parametrize("shape", [(20, 32), (21, 31)])
def test_a_section_against_the_whole_matrix(library, rng, shape, cutoffs):
    lines, mask = rng.normal(0, 3, shape).astype(np.float32), rng.random(shape) < 0.8
    found = library.run(partial(fit_section, cutoffs=cutoffs), lines, mask)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, slow_section(lines.astype(float), mask, cutoffs), atol=5e-3)


def test_sections_of_equal_length_together(library, rng):
    lines, mask = rng.normal(0, 3, (3, 8, 16)).astype(np.float32), rng.random((3, 8, 16)) < 0.8
    together = library.run(partial(fit_section, cutoffs=Cutoffs()), lines, mask)
    for one in range(3):
        np.testing.assert_allclose(together[one], fit_section(lines[one], mask[one], cutoffs=Cutoffs()), atol=1e-3)


@pytest.mark.parametrize("detector", ["NRS1", "NRS2"])
def test_noise_in_time_is_found(library, rng, detector):
    """Slow waves and alternating columns, with outliers and a masked corner."""
    lines = 60
    time = np.arange(lines)[:, None] * 44 + np.arange(32)
    noise = 5 * np.sin(2 * np.pi * 400 * TICK * time) + 2 * (-1) ** (time % 2)
    image = (noise + rng.normal(0, 0.1, noise.shape)).astype(np.float32)
    image[30, 10] = 1e4
    mask = rng.random(image.shape) < 0.9
    mask[:10, :5] = False
    if detector == "NRS2":
        image, mask, noise = image[::-1], mask[::-1], noise[::-1]
    image, mask = np.ascontiguousarray(image.T), np.ascontiguousarray(mask.T)
    counts = lambda x: [int(v) for v in library.to_host(x)]  # noqa: E731
    fit = partial(fit_sections, detector=detector, cutoffs=Cutoffs(), read_counts=counts)
    found = library.run(fit, image, mask)
    assert np.std((found - noise.T)[2:-2, 2:-2]) < 0.35
    assert np.std(noise) > 3.5


def test_what_is_hardly_background_is_left_alone(library, rng):
    image, mask = rng.normal(0, 3, (32, 40)).astype(np.float32), np.zeros((32, 40), bool)
    mask[5, ::4] = True
    counts = lambda x: [int(v) for v in library.to_host(x)]  # noqa: E731
    fit = partial(fit_sections, detector="NRS1", cutoffs=Cutoffs(), read_counts=counts)
    np.testing.assert_array_equal(library.run(fit, image, mask), 0)
    np.testing.assert_array_equal(library.run(fit, image, np.zeros_like(mask)), 0)
