import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpipe.arrays.fourier import Fourier, arranged
from gpipe.refpix.irs2.interpolation import BandLimited, band, fill_zeros
from gpipe.refpix.irs2.streams import with_gaps
from gpipe.refpix.irs2.weights import weights_of_real

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
    falling = slow_band(712 * 2048, 2048, 5000)
    np.testing.assert_allclose(band(stream, 2048), np.concatenate([falling, falling[1:-1][::-1]]), atol=1e-6)


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
    found = library.run(lambda x: BandLimited(x, ROWS, Fourier(x)).fill(x), stream)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-5)
    np.testing.assert_array_equal(found[known], stream[known])


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 80), st.integers(0, 2**32 - 1))
def test_weights_of_real_streams_act_as_the_real_part_of_the_whole(count, seed):
    rng = np.random.default_rng(seed)
    weight = rng.normal(0, 1, count) + 1j * rng.normal(0, 1, count)
    stream = rng.normal(0, 1, count)
    table = np.stack([weight.real, weight.imag], axis=-1).reshape(1, -1).astype(np.float32)
    fourier = Fourier(stream)
    found = fourier.stream(weights_of_real(table)[0] * fourier.spectrum(stream))
    np.testing.assert_allclose(found, np.fft.ifft(weight * np.fft.fft(stream)).real, atol=1e-5)


def test_weights_of_real_streams_run_on_every_library(library, rng):
    table = rng.normal(0, 1, (4, 24)).astype(np.float32)
    found = library.run(weights_of_real, table)
    assert found.shape == (4, 2, 4)
    assert found.dtype == np.complex64
    whole = (table[:, ::2] + 1j * table[:, 1::2]).astype(np.complex128)
    mirrored = np.conj(np.roll(whole[:, ::-1], 1, axis=1))
    np.testing.assert_allclose(found, arranged((whole + mirrored) / 2), rtol=1e-6, atol=1e-7)
    assert not found[:, 0, 0].imag.any()
