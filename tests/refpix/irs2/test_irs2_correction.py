"""The correction against one written out in double precision, sample by sample and with whole complex spectra."""

import numpy as np
import pytest
from helpers.strict_backend import StrictBackend

import gpipe.dq as dq
from gpipe.arrays.fourier import Fourier
from gpipe.backends.numpy import NumpyBackend
from gpipe.refpix.irs2.bad_reads import replace_reads
from gpipe.refpix.irs2.correction import correct_irs2
from gpipe.refpix.irs2.interpolation import BandLimited, fill_zeros
from gpipe.refpix.irs2.means import output_levels
from gpipe.refpix.irs2.weights import Weights, weights_of_real
from gpipe.refpix.orientation import Orientation

BLOCKS, DETECTOR_ROWS = 2, 24
PIXELS = 20 * BLOCKS
LINE = 22 * BLOCKS + 8
COUNT = DETECTOR_ROWS * LINE
NRS1, NRS2 = Orientation(2, 1), Orientation(-2, -1)
BACKENDS = [NumpyBackend(), NumpyBackend(use_kernels=False), StrictBackend()]
NORMAL = [p for p in range(PIXELS) if not 8 <= p % 20 < 12]
CLOCK = np.array([22 * (p // 20) + p % 20 + (p % 20 >= 8) + (p % 20 >= 12) for p in range(PIXELS)])


def to_detector(plane, at):
    return plane.T if at is NRS1 else plane.T[::-1, ::-1]


def line_through_edges(samples):
    """(detector row, pixel) less the line through its outer rows, where not 0."""
    time = np.arange(DETECTOR_ROWS)[:, None] * LINE + CLOCK - (COUNT - 1) / 2
    edge = np.r_[0:4, DETECTOR_ROWS - 4 : DETECTOR_ROWS]
    x, y = time[edge], samples[edge]
    if not y.any():
        return samples
    slope, level = np.polyfit(x[y != 0], y[y != 0], 1)
    return np.where(samples != 0, samples - level - slope * time, 0)


def stream(samples, clock=CLOCK):
    lines = np.zeros((DETECTOR_ROWS, LINE))
    lines[:, clock] = samples
    return lines.ravel()


def held_reads(samples):
    """The reads of reference pixels, held from before the first to after the last of a block."""
    lines = np.zeros((DETECTOR_ROWS, LINE))
    for block in range(BLOCKS):
        for k, read in enumerate((0, 2, 0, 2, 1, 3, 1, 3)):
            lines[:, 22 * block + 7 + k] = samples[:, 20 * block + 8 + read]
    return lines.ravel()


def slow_plane(plane, alpha, beta, at, keep):
    """One group, its mean removed. Filling the gaps of the reference output has tests of its own."""
    frame = to_detector(plane, at).copy()
    outputs = []
    for k in range(5):
        samples = frame[:, k * PIXELS : (k + 1) * PIXELS]
        outputs.append(line_through_edges(samples[:, ::-1] if k % 2 == 0 else samples))
    filled = fill_zeros(stream(outputs[0]))
    reference = BandLimited(filled, DETECTOR_ROWS, Fourier(filled)).fill(filled)
    spectrum = np.fft.fft(reference)
    clean = [reference.reshape(DETECTOR_ROWS, LINE)[:, CLOCK]]
    for k in range(4):
        noise = np.fft.ifft(alpha[k] * spectrum + beta[k] * np.fft.fft(held_reads(outputs[k + 1]))).real
        clean.append(outputs[k + 1] - noise.reshape(DETECTOR_ROWS, LINE)[:, CLOCK])
    turned = [x[:, ::-1] if k % 2 == 0 else x for k, x in enumerate(clean)]
    if not keep:
        turned = [x[:, NORMAL] for x in turned[1:]]
    joined = np.concatenate(turned, axis=1)
    return joined.T if at is NRS1 else joined[::-1, ::-1].T


def normal_rows(at):
    rows = [k * PIXELS + p for k in range(1, 5) for p in NORMAL]
    return rows if at is NRS1 else [5 * PIXELS - 1 - r for r in reversed(rows)]


def slow(data, alpha, beta, at, bad=None, levels=None, keep=False):
    data = data.astype(float) if levels is None else data.astype(float) - levels
    out = []
    for integration in data:
        planes = [plane if bad is None else replace_reads(plane, bad) for plane in integration]
        mean = np.mean(planes, axis=0)
        added = mean[normal_rows(at)] if not keep else mean.copy()
        if keep:
            own = np.arange(len(added)) >= PIXELS if at is NRS1 else np.arange(len(added)) < 4 * PIXELS
            added[[r for r in np.flatnonzero(own) if 8 <= r % 20 < 12]] = 0
        out.append([slow_plane(plane - mean, alpha, beta, at, keep) + added for plane in planes])
    return np.array(out)


@pytest.fixture
def exposure(rng):
    shape = (2, 3, 5 * PIXELS, DETECTOR_ROWS)
    data = rng.normal(0, 7, shape) + rng.normal(300, 60, shape[2:]) + np.arange(3)[:, None, None] * rng.uniform(0, 9)
    table = rng.normal(0, 0.3, (8, 2 * COUNT)).astype(np.float32)
    weights = Weights(weights_of_real(table[:4]), weights_of_real(table[4:]))
    spectra = table[:, ::2] + 1j * table[:, 1::2].astype(float)
    return data.astype(np.float32), weights, spectra[:4], spectra[4:]


@pytest.mark.parametrize("at", [NRS1, NRS2], ids=["NRS1", "NRS2"])
@pytest.mark.parametrize("keep", [False, True], ids=["normal", "all"])
def test_correction_against_the_slow_one(library, rng, exposure, at, keep):
    data, weights, alpha, beta = exposure
    data[:, :, 70, 5] = 250.0  # a pixel that never moves counts as missing
    bad = rng.random((5, BLOCKS, 4)) < 0.2
    levels = rng.normal(0, 5, (2, 3, 5 * PIXELS, 1)).astype(np.float32)
    out = library.run(correct_irs2, data, weights, at, bad_reads=bad, levels=levels, keep_reference_pixels=keep)
    expected = slow(data, alpha, beta, at, bad, levels, keep)
    assert out.dtype == np.float32
    assert out.shape == (2, 3, 5 * PIXELS if keep else 64 * BLOCKS, DETECTOR_ROWS)
    np.testing.assert_allclose(out, expected, atol=3e-3)
    assert np.abs(expected - (data if keep else data[:, :, normal_rows(at)])).max() > 10


def test_one_group_has_nothing_to_be_compared_with(library, exposure):
    data, weights, *_ = exposure
    out = library.run(correct_irs2, data[:, :1], weights, NRS1)
    np.testing.assert_array_equal(out, data[:, :1][:, :, normal_rows(NRS1)])


def test_nan_stays_in_its_pixel(library, exposure):
    data, weights, *_ = exposure
    row, blank = normal_rows(NRS1)[40], data.copy()
    data[0, 1, row, 3] = np.nan
    blank[0, :, row, 3] = 100.0  # missing in the correction, as a NaN is
    out = library.run(correct_irs2, data, weights, NRS1)
    expected = library.run(correct_irs2, blank, weights, NRS1)
    expected[0, :, 40, 3] = np.nan
    np.testing.assert_array_equal(np.isnan(out), np.isnan(expected))
    np.testing.assert_allclose(out, expected, atol=1e-4)


def test_threads_change_nothing(exposure):
    data, weights, *_ = exposure
    alone, together = (correct_irs2(data, weights, NRS1, workers=workers) for workers in (1, 3))
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("backend", BACKENDS, ids=["kernels", "numpy", "strict"])
@pytest.mark.parametrize("at", [NRS1, NRS2], ids=["NRS1", "NRS2"])
@pytest.mark.parametrize("keep", [False, True], ids=["normal", "all"])
@pytest.mark.parametrize("workers", [1, 3])
def test_the_place_of_the_data_changes_nothing(rng, exposure, backend, at, keep, workers):
    data, (alpha, beta) = exposure[0], (exposure[1].alpha, exposure[1].beta)
    weights = Weights(backend.to_device(alpha), backend.to_device(beta))
    asked = {
        "bad_reads": backend.to_device(rng.random((5, BLOCKS, 4)) < 0.2),
        "levels": backend.to_device(rng.normal(0, 5, (2, 3, 5 * PIXELS, 1)).astype(np.float32)),
        "keep_reference_pixels": keep,
        "native": backend.native,
        "workers": workers,
    }
    expected = backend.to_host(correct_irs2(backend.to_device(data), weights, at, **asked))
    place = backend.to_device(data.copy())
    found = backend.to_host(correct_irs2(place, weights, at, overwrite=True, **asked))
    np.testing.assert_array_equal(found, expected)
    rows = 5 * PIXELS if keep else 64 * BLOCKS
    there = backend.to_host(place)[:, :, :rows] if at is NRS1 else backend.to_host(place)[:, :, -rows:]
    np.testing.assert_array_equal(there, expected)


def test_integrations_do_not_know_of_each_other(exposure):
    data, weights, *_ = exposure
    out = correct_irs2(data, weights, NRS2)
    np.testing.assert_array_equal(correct_irs2(data[::-1].copy(), weights, NRS2), out[::-1])


def test_a_constant_on_every_pixel_stays(exposure, rng):
    data, weights, *_ = exposure
    data = data.round()
    added = rng.integers(0, 500, data.shape[2:]).astype(np.float32)
    out = correct_irs2(data, weights, NRS1)
    np.testing.assert_allclose(
        correct_irs2(data + added, weights, NRS1), out + added[normal_rows(NRS1)], rtol=1e-6, atol=1e-3
    )


def test_slow_noise_goes_with_the_right_weights(rng):
    """The held reads show noise that is slower than a row in 16 of the 52 pixel times of a row."""
    wave = np.cos(4 * np.pi * (np.arange(DETECTOR_ROWS) + 0.5) / DETECTOR_ROWS)
    data = np.zeros((1, 3, 5 * PIXELS, DETECTOR_ROWS)) + rng.normal(0, 50, (1, 3, 1, 1)) * wave
    frequency = np.minimum(np.arange(COUNT), COUNT - np.arange(COUNT))
    table = np.zeros((4, 2 * COUNT), np.float32)
    table[:, ::2] = (frequency < DETECTOR_ROWS) * LINE / (8 * BLOCKS)
    nothing = weights_of_real(np.zeros_like(table))

    def scatter(beta):
        out = correct_irs2(data.astype(np.float32), Weights(nothing, beta), NRS1)
        return (out - out.mean(axis=1, keepdims=True)).std()

    assert scatter(weights_of_real(table)) < 0.25 * scatter(nothing)


def clipped_mean(values, limit):
    while True:
        inside = values[np.abs(values - values.mean()) <= limit * values.std()]
        if inside.size in (0, values.size):
            return values.mean()
        values = inside


@pytest.mark.parametrize("at", [NRS1, NRS2], ids=["NRS1", "NRS2"])
@pytest.mark.parametrize("odd_even", [True, False])
def test_levels_of_outputs_against_a_loop(library, rng, exposure, at, odd_even):
    data = exposure[0]
    data[0, 0, 30, :] += 500
    data[0, 1, 11, 1] = np.nan
    pixeldq = np.zeros(data.shape[-2:], np.uint32)
    pixeldq[rng.random(pixeldq.shape) < 0.1] = dq.DO_NOT_USE
    first = slice(0, PIXELS) if at is NRS1 else slice(-PIXELS, None)
    pixeldq[first, -4:] = dq.DO_NOT_USE  # the reference output has one end left
    pixeldq[2 * PIXELS : 3 * PIXELS] = dq.DO_NOT_USE  # this one has none
    found = library.run(output_levels, data, pixeldq, at, odd_even_columns=odd_even, siglimit=2.5)
    assert found.dtype == np.float32
    for i in range(2):
        for g in range(3):
            frame, flags = to_detector(data[i, g], at).astype(float), to_detector(pixeldq, at)
            expected = np.zeros(5 * PIXELS)
            for k in range(5):
                columns = np.arange(k * PIXELS, (k + 1) * PIXELS)
                interleaved = (columns % 20 >= 8) & (columns % 20 < 12)
                odd = np.where(interleaved, columns % 20 < 10, columns % 2 == 0)
                for kind in (odd, ~odd) if odd_even else (odd | ~odd,):
                    ends = []
                    for rows in (slice(0, 4), slice(-4, None)):
                        values = frame[rows][:, columns[kind]]
                        good = (flags[rows][:, columns[kind]] == 0) & ~np.isnan(values)
                        ends += [clipped_mean(values[good], 2.5)] if good.any() else []
                    expected[columns[kind]] = np.mean(ends) if ends else 0
            np.testing.assert_allclose(to_detector(found[i, g], at)[0], expected, rtol=1e-5)
