"""The kernels of streams of IRS2 readout beside the portable functions, whose numbers they repeat bit by bit."""

import numpy as np
import pytest
from helpers.in_c import in_every_variant, kernel, unaligned

from gpipe.refpix.irs2 import lines, streams

pytestmark = [in_every_variant, pytest.mark.filterwarnings("ignore::RuntimeWarning")]
subtract_line = kernel(lines.subtract_line)
reference_stream = kernel(streams.reference_stream)
without_noise = kernel(streams.without_noise)

ROWS, PIXELS = 30, 60
SHAPES = [(0, 20), (1, 20), (1, 0), (7, 40), (33, 640)]
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0, -0.0, 3e38, -3e38, 1e-45], np.float32)


@pytest.fixture
def samples(rng):
    x = rng.normal(0, 30, (ROWS, PIXELS)).astype(np.float32)
    x[rng.random(x.shape) < 0.1] = 0
    return x


def any_numbers(rng, shape, share=0.3):
    x = rng.normal(0, 30, shape).astype(np.float32)
    where = rng.random(shape) < share
    x[where] = rng.choice(SPECIAL, where.sum())
    return x


def assert_same(found, expected):
    """Compare values, with the signs of zeros."""
    np.testing.assert_array_equal(found, expected, strict=True)
    known = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found[known]), np.signbit(expected[known]))


@pytest.mark.parametrize("share", [1, 0])
def test_a_line_is_subtracted(samples, share):
    times = streams.times(samples)
    found = subtract_line(samples * np.float32(share), times)
    np.testing.assert_array_equal(found, lines.subtract_line(samples * np.float32(share), times))


def test_a_line_is_subtracted_from_any_numbers(rng):
    """The edges are finite, or else the line would be NaN."""
    given = any_numbers(rng, (33, 61))
    for edge in (given[:4], given[-4:]):
        edge[...] = rng.normal(0, 30, edge.shape)
    times = any_numbers(rng, (33, 61), share=0.01)
    times[:4], times[-4:] = -1, 1
    assert_same(subtract_line(given, times), lines.subtract_line(given, times))
    given[0, 0] = np.inf
    assert_same(subtract_line(given, times), lines.subtract_line(given, times))


def test_reference_pixels_are_held(samples):
    found = reference_stream(samples)
    np.testing.assert_array_equal(found, streams.reference_stream(samples))
    exact = samples.astype(float)[None]
    np.testing.assert_array_equal(reference_stream(exact)[0], found)


def test_noise_is_subtracted(samples, rng):
    stream = rng.normal(0, 5, ROWS * streams.row_length(PIXELS)).astype(np.float32)
    found = without_noise(samples, stream)
    np.testing.assert_array_equal(found, streams.without_noise(samples, stream))
    np.testing.assert_array_equal(found, samples - streams.without_gaps(stream, ROWS))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_shapes_and_any_numbers(rng, shape):
    given, stream = any_numbers(rng, shape), any_numbers(rng, (shape[0] * streams.row_length(shape[1]),))
    assert_same(reference_stream(given), streams.reference_stream(given))
    assert_same(without_noise(given, stream), streams.without_noise(given, stream))
    finite, times = (np.where(np.isfinite(x), x, np.float32(0)) for x in (given, any_numbers(rng, shape)))
    assert_same(subtract_line(finite, times), lines.subtract_line(finite, times))


def test_streams_of_other_lengths(samples, rng):
    """A longer one is cut, as by the portable function; a shorter one is an error."""
    stream = any_numbers(rng, ((ROWS + 2) * streams.row_length(PIXELS),))
    assert_same(without_noise(samples, stream), streams.without_noise(samples, stream))
    fitting = stream[: ROWS * streams.row_length(PIXELS)]
    with pytest.raises(ValueError, match="reshape"):
        without_noise(samples, fitting[:-100])
    with pytest.raises(ValueError, match="broadcast"):
        without_noise(samples[:, :-1], fitting)


@pytest.mark.parametrize("kind", ["read-only", "strided", "unaligned", "float64"])
def test_arrays_of_other_kinds(rng, kind):
    change = {
        "read-only": lambda x: np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape),
        "strided": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
        "unaligned": unaligned,
        "float64": lambda x: x.astype(np.float64),
    }[kind]
    given, stream = any_numbers(rng, (9, 60)), any_numbers(rng, (9 * streams.row_length(60),))
    finite, times = np.where(np.isfinite(given), given, np.float32(0)), streams.times(given)
    given, stream, finite, times = (change(x) for x in (given, stream, finite, times))
    assert_same(reference_stream(given), streams.reference_stream(given))
    assert_same(without_noise(given, stream), streams.without_noise(given, stream))
    assert_same(subtract_line(finite, times), lines.subtract_line(finite, times))
