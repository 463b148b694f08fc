import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpipe.refpix.irs2_interpolation import band, fill_band_limited, fill_zeros
from gpipe.refpix.irs2_streams import with_gaps
from gpipe.refpix.irs2_weights import half_spectrum

ROWS, BLOCKS = 24, 2
TIMES = ROWS * (22 * BLOCKS + 8)


def slow_fill(stream):
    out = stream.astype(float)
    for at in np.flatnonzero(stream == 0):
        near = [(d, stream[(at + d) % len(stream)]) for d in range(-15, 16)]
        weight = sum(np.cos(np.pi * d / 32) for d, value in near if value != 0)
        total = sum(np.cos(np.pi * d / 32) * value for d, value in near)
        out[at] = total / weight if weight else 0
    return out


@pytest.mark.parametrize("missing", [0.1, 0.7, 0.97])
def test_zeros_become_weighted_means(library, rng, missing):
    stream = rng.normal(5, 1, 300).astype(np.float32)
    stream[rng.random(300) < missing] = 0
    stream[100:140] = 0
    found = library.run(fill_zeros, stream)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, slow_fill(stream), rtol=2e-5, atol=1e-6)


def slow_band(count, rows, taper):
    """1, a falling cosine, 0, a rising cosine and 1, written out."""
    flat = (count // rows // 22) * rows // 2 - taper // 2
    falling = (np.cos(np.arange(taper) * np.pi / taper) + 1) / 2
    nothing = np.zeros(count // 2 - 2 * flat - 2 * taper)
    return np.concatenate([np.ones(flat), falling, nothing, falling[::-1], np.ones(flat), [1.0]])


def test_the_band_is_that_of_jwst_for_a_frame(rng):
    stream = np.zeros(712 * 2048, np.float32)
    np.testing.assert_allclose(band(stream, 2048), slow_band(712 * 2048, 2048, 5000), atol=1e-6)


def test_the_rest_becomes_band_limited(library, rng):
    """Against Fourier sums by matrices in double precision."""
    stream = rng.normal(0, 1, TIMES).astype(np.float32)
    normal = np.ones((1, ROWS, BLOCKS, 20), np.float32)
    normal[..., 8:12] = 0
    known = with_gaps(normal.reshape(1, ROWS, -1))[0] != 0
    passed = slow_band(TIMES, ROWS, 5000 * TIMES // (712 * 2048))
    whole = np.concatenate([passed, passed[1:-1][::-1]])
    angle = 2 * np.pi * np.outer(np.arange(TIMES), np.arange(TIMES)) / TIMES
    filtering = (np.exp(1j * angle) * whole) @ np.exp(-1j * angle) / TIMES
    expected = stream.astype(float)
    for _ in range(3):
        expected = np.where(known, stream, (filtering @ expected).real)
    found = library.run(fill_band_limited, stream, ROWS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-5)
    np.testing.assert_array_equal(found[known], stream[known])


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_half_a_spectrum_acts_as_the_real_part_of_the_whole(half, seed):
    rng = np.random.default_rng(seed)
    count = 2 * half
    weight = rng.normal(0, 1, count) + 1j * rng.normal(0, 1, count)
    stream = rng.normal(0, 1, count)
    table = np.stack([weight.real, weight.imag], axis=-1).reshape(1, -1).astype(np.float32)
    found = np.fft.irfft(half_spectrum(table)[0] * np.fft.rfft(stream), n=count)
    np.testing.assert_allclose(found, np.fft.ifft(weight * np.fft.fft(stream)).real, atol=1e-5)


def test_half_a_spectrum_runs_on_every_library(library, rng):
    table = rng.normal(0, 1, (4, 24)).astype(np.float32)
    found = library.run(half_spectrum, table)
    assert found.shape == (4, 7)
    assert found.dtype == np.complex64
    np.testing.assert_allclose(found, half_spectrum(table), rtol=1e-6)
    assert not found[:, 0].imag.any()
