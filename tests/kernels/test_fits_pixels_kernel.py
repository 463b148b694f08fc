"""The kernels that read and decode pixels of files beside the portable functions, bit by bit."""

import os
import sys

import numpy as np
import pytest
from helpers.in_c import in_every_variant, kernel, unaligned

from gpipe.backends import fits_pixels
from gpipe.backends.fits_pixels import decode

pytestmark = in_every_variant
KERNEL = kernel(decode)
FETCHES = [fits_pixels.fetch, kernel(fits_pixels.fetch)]
COUNTS = np.arange(1 << 16, dtype=np.uint16).view(">i2").reshape(2, 256, 128)


def floats():
    rng = np.random.default_rng(2)
    values = rng.integers(0, 1 << 32, (3, 40, 33), np.uint32).view(">f4")  # of which some are NaN
    values[0, 0, :4] = [np.inf, -np.inf, 0.0, -0.0]
    return values


def assert_same(stored, dtype, *, scale=1, zero=0):
    stored = stored[:]
    stored.flags.writeable = False
    out = [np.full(stored.shape, 7, dtype) for _ in range(2)]
    for put, values in zip((KERNEL, decode), out, strict=True):
        put(stored, values, scale=scale, zero=zero)
    np.testing.assert_array_equal(*(values.view(f"u{values.itemsize}") for values in out))


def test_all_counts():
    assert_same(COUNTS, np.float32, zero=1 << 15)


def test_any_float():
    assert_same(floats(), np.float32)


@pytest.mark.parametrize("index", [np.s_[..., 1:9], np.s_[:, ::2], np.s_[:0]], ids=str)
def test_parts(index):
    assert_same(COUNTS[index], np.float32, zero=1 << 15)
    assert_same(floats()[index], np.float32)


@pytest.mark.parametrize("scaling", [{}, {"zero": 3}, {"scale": 0.5, "zero": 1 << 15}], ids=str)
def test_other_scales_of_counts(scaling):
    assert_same(COUNTS, np.float32, **scaling)


@pytest.mark.parametrize(
    ("stored", "dtype", "zero"),
    [(">i2", np.uint16, 1 << 15), (">i4", np.uint32, 1 << 31), (">u1", np.uint8, 0), (">f8", np.float32, 0)],
)
def test_other_types(stored, dtype, zero):
    assert_same(np.arange(60).reshape(3, 4, 5).astype(stored), dtype, zero=zero)


@pytest.mark.parametrize("length", [0, 1, 15, 31, 33, 63, 65, 1001])
def test_lengths(length):
    assert_same(COUNTS.reshape(-1)[:length], np.float32, zero=1 << 15)
    assert_same(floats().reshape(-1)[:length], np.float32)


def test_unaligned():
    assert_same(unaligned(COUNTS), np.float32, zero=1 << 15)
    assert_same(unaligned(floats()), np.float32)
    for stored, zero in ((COUNTS, 1 << 15), (floats(), 0)):
        out, expected = unaligned(np.zeros(stored.shape, np.float32)), np.zeros(stored.shape, np.float32)
        KERNEL(stored, out, scale=1, zero=zero)
        decode(stored, expected, scale=1, zero=zero)
        np.testing.assert_array_equal(out.copy().view(np.uint32), expected.view(np.uint32))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "pixels"
    path.write_bytes(bytes(range(200)))
    descriptor = os.open(path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def fetched(fetch, descriptor, pieces):
    target = np.full(sum(length for _, length in pieces), 255, np.uint8)
    return fetch(descriptor, np.asarray(pieces, np.int64).reshape(-1, 2), target), bytes(target)


@pytest.mark.parametrize("fetch", FETCHES)
@pytest.mark.parametrize("pieces", [[(0, 200)], [(10, 3), (90, 0), (13, 5), (2, 4), (199, 1)], []], ids=str)
def test_pieces_of_a_file_one_behind_the_other(pieces, fetch, file):
    expected = b"".join(bytes(range(start, start + length)) for start, length in pieces)
    assert fetched(fetch, file, pieces) == (True, expected)


@pytest.mark.parametrize("fetch", FETCHES)
def test_a_file_that_ends_within_a_piece(fetch, file):
    assert not fetched(fetch, file, [(0, 4), (198, 3)])[0]


def test_pieces_of_more_bytes_than_the_target_has(file):
    """C reads no byte over the end."""
    target = np.zeros(8, np.uint8)
    pieces = np.array([[0, 4], [10, 6]])
    assert not sys.modules[KERNEL.__module__]._fetch(file, pieces, target[:7])
    assert target.tolist() == [0, 1, 2, 3, 0, 0, 0, 0]


@pytest.mark.parametrize("fetch", FETCHES)
def test_what_the_system_says_of_a_file_that_cannot_be_read(fetch, tmp_path):
    descriptor = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(IsADirectoryError):
        fetched(fetch, descriptor, [(0, 4)])
    os.close(descriptor)
