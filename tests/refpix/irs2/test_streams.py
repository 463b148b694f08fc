import numpy as np
import pytest

from gpipe.refpix.irs2.lines import subtract_line
from gpipe.refpix.irs2.streams import (
    in_time_order,
    reference_stream,
    row_length,
    times,
    with_gaps,
    without_gaps,
)

ROWS, BLOCKS = 10, 2
PIXELS = 20 * BLOCKS


def time_of(row, pixel):
    """Pixel time of a read, counted one by one."""
    clock = row * (22 * BLOCKS + 8)
    for before in range(pixel + 1):
        step_out, step_in = before % 20 == 8, before % 20 == 12
        clock += 1 + step_out + step_in
    return clock - 1


@pytest.fixture
def samples(rng):
    return rng.normal(0, 1, (3, ROWS, PIXELS)).astype(np.float32)


def test_reads_lie_at_their_times_and_gaps_are_zero(library, samples):
    stream = library.run(with_gaps, samples)
    expected = np.zeros((3, ROWS * row_length(PIXELS)), np.float32)
    for row in range(ROWS):
        for pixel in range(PIXELS):
            expected[:, time_of(row, pixel)] = samples[:, row, pixel]
    np.testing.assert_array_equal(stream, expected)
    np.testing.assert_array_equal(library.run(without_gaps, stream, ROWS), samples)


def test_a_row_of_the_detector_takes_712_pixel_times():
    assert row_length(640) == 712


def test_reference_pixels_are_held_for_eight_pixel_times(library, samples):
    stream = library.run(reference_stream, samples)
    expected = np.zeros_like(stream)
    for row in range(ROWS):
        for block in range(BLOCKS):
            first = time_of(row, 20 * block + 8) - 2  # the last normal pixel before, then the step
            for k, read in enumerate((0, 2, 0, 2, 1, 3, 1, 3)):
                expected[:, first + k] = samples[:, row, 20 * block + 8 + read]
    np.testing.assert_array_equal(stream, expected)


def test_times_are_counted_from_the_middle_of_the_frame(library, samples):
    found = library.run(times, samples)
    middle = (ROWS * row_length(PIXELS) - 1) / 2
    expected = [[time_of(row, pixel) - middle for pixel in range(PIXELS)] for row in range(ROWS)]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("output", range(5))
def test_even_outputs_are_turned_round(library, samples, output):
    found = library.run(lambda x: in_time_order(output, x), samples)
    np.testing.assert_array_equal(found, samples[..., ::-1] if output % 2 == 0 else samples)


def test_a_line_is_that_of_a_fit_to_the_edge_rows(library, rng, samples):
    t = times(samples)
    samples = samples + np.array([3, -2, 0])[:, None, None] + 0.01 * t
    samples[rng.random(samples.shape) < 0.1] = 0
    samples[2] = 0
    samples = samples.astype(np.float32)
    found = [library.run(subtract_line, output, t) for output in samples]
    edges = np.r_[0:4, ROWS - 4 : ROWS]
    for output in range(2):
        y, x = samples[output][edges], t[edges]
        slope, level = np.polyfit(x[y != 0].astype(float), y[y != 0].astype(float), 1)
        expected = np.where(samples[output] != 0, samples[output] - (level + slope * t), 0)
        np.testing.assert_allclose(found[output], expected, atol=2e-5)
    np.testing.assert_array_equal(found[2], 0)


def test_a_single_known_sample_gives_a_level(library):
    samples = np.zeros((ROWS, PIXELS), np.float32)
    samples[1, 5] = 4.0
    np.testing.assert_array_equal(library.run(subtract_line, samples, times(samples)), 0)
