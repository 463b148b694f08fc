"""The numba kernels of streams of IRS2 readout beside the portable functions, whose numbers they repeat bit by bit."""

import numpy as np
import pytest

from gpipe.backends import native as table
from gpipe.refpix.irs2 import lines, streams

pytest.importorskip("numba")
ROWS, PIXELS = 30, 60


def native(function):
    return table.find(function, table.CPU)


@pytest.fixture
def samples(rng):
    x = rng.normal(0, 30, (ROWS, PIXELS)).astype(np.float32)
    x[rng.random(x.shape) < 0.1] = 0
    return x


@pytest.mark.parametrize("share", [1, 0])
def test_a_line_is_subtracted(samples, share):
    times = streams.times(samples)
    found = native(lines.subtract_line)(samples * np.float32(share), times)
    np.testing.assert_array_equal(found, lines.subtract_line(samples * np.float32(share), times))


def test_reference_pixels_are_held(samples):
    found = native(streams.reference_stream)(samples)
    np.testing.assert_array_equal(found, streams.reference_stream(samples))
    exact = samples.astype(float)[None]
    np.testing.assert_array_equal(native(streams.reference_stream)(exact)[0], found)


def test_noise_is_subtracted(samples, rng):
    stream = rng.normal(0, 5, ROWS * streams.row_length(PIXELS)).astype(np.float32)
    found = native(streams.without_noise)(samples, stream)
    np.testing.assert_array_equal(found, streams.without_noise(samples, stream))
    np.testing.assert_array_equal(found, samples - streams.without_gaps(stream, ROWS))
