"""The kernels of ipc beside the portable functions, whose numbers they repeat bit by bit."""

import numpy as np
import pytest
from helpers.in_c import in_every_variant, kernel, unaligned
from hypothesis import given, settings
from hypothesis import strategies as st

from gpipe.arrays.interleaved import own_rows
from gpipe.ipc import ipc
from gpipe.ipc.ipc import Border

pytestmark = [in_every_variant, pytest.mark.filterwarnings("ignore::RuntimeWarning")]
correct_ipc = kernel(ipc.correct_ipc)
correct_interleaved = kernel(ipc.correct_interleaved)

SPECIAL = np.array([np.nan, np.inf, -np.inf, 0, -0.0, 3e38, -3e38, 1e-45], np.float32)
SIZES = [(1, 1), (3, 3), (5, 5), (3, 7), (9, 1), (1, 5)]
SHAPES = [(1, 1, 3, 5), (2, 2, 12, 15), (1, 3, 1, 1), (2, 1, 20, 1), (1, 2, 1, 40), (1, 1, 9, 1031)]


def counts(shape, seed=1):
    return np.random.default_rng(seed).normal(1000, 300, shape).astype(np.float32)


def weights(size, pixels=(), seed=2):
    return np.random.default_rng(seed).normal(0, 0.1, (*size, *pixels)).astype(np.float32)


def assert_same(data, given, **options):
    function, portable = correct_ipc, ipc.correct_ipc
    if "places" in options:
        function, portable = correct_interleaved, ipc.correct_interleaved
    found, expected = function(data, given, **options), portable(data, given, **options)
    np.testing.assert_array_equal(found, expected, strict=True)
    np.testing.assert_array_equal(1 / found, 1 / expected)  # zeros have a sign
    return found


@pytest.mark.parametrize("border", [Border(), Border(4, 4, 4, 4), Border(bottom=2, right=3), Border(top=30)], ids=str)
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_one_kernel_or_one_for_each_pixel(shape, size, border):
    data = counts(shape)
    assert_same(data, weights(size), border=border)
    assert_same(data, weights(size, shape[2:]), border=border)


@pytest.mark.parametrize("shape", [(0, 2, 3, 4), (2, 0, 3, 4), (1, 2, 0, 4), (1, 2, 3, 0)], ids=str)
@pytest.mark.parametrize("each", [False, True])
def test_nothing_to_correct(shape, each):
    given = weights((3, 3), shape[2:] if each else ())
    assert correct_ipc(counts(shape), given, border=Border(1, 1, 1, 1)).shape == shape


@pytest.mark.parametrize("rows", [slice(0, 3200), slice(600, 700), slice(660, 661), slice(0, 50), slice(2551, 2605)])
@pytest.mark.parametrize("reference_first", [True, False])
@pytest.mark.parametrize("each", [False, True])
def test_rows_between_reference_pixels(rows, reference_first, each):
    places = own_rows(rows, reference_first=reference_first).places
    data = counts((1, 2, rows.stop - rows.start, 11))
    given = weights((3, 5), (len(places), 11) if each else ())
    found = assert_same(data, given, border=Border(3, 2, 1, 1), places=places)
    others = np.setdiff1d(np.arange(data.shape[2]), places)
    np.testing.assert_array_equal(found[:, :, others], data[:, :, others])


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 9), st.integers(1, 40)),
    size=st.tuples(st.sampled_from([1, 3, 5, 7]), st.sampled_from([1, 3, 5, 7])),
    border=st.builds(Border, *[st.integers(0, 4)] * 4),
    each=st.booleans(),
    share=st.sampled_from([0.02, 0.5]),
    seed=st.integers(0, 1 << 32),
)
def test_nan_and_infinity_anywhere(shape, size, border, each, share, seed):
    rng = np.random.default_rng(seed)
    arrays = counts(shape, seed), weights(size, shape[2:] if each else (), seed)
    for x in arrays:
        there = rng.random(x.shape) < share
        x[there] = rng.choice(SPECIAL, np.count_nonzero(there))
    assert_same(*arrays, border=border)


def test_read_only_and_strided_arguments_are_taken_and_not_written_to():
    data, given = counts((2, 3, 24, 50)), weights((3, 3), (24, 50))
    before = data.copy(), given.copy()
    for x in (data, given):
        x.flags.writeable = False
    for x, k in ((data[:, ::2, ::3, 1::2], given[..., ::3, 1::2]), (data[..., :20], given[..., :20]), (data, given)):
        assert_same(x, k, border=Border(1, 1, 1, 1))
    np.testing.assert_array_equal(data, before[0])
    np.testing.assert_array_equal(given, before[1])


@pytest.mark.parametrize("each", [False, True])
def test_unaligned_arguments(each):
    data, given = counts((1, 2, 9, 37)), weights((3, 3), (9, 37) if each else ())
    assert_same(unaligned(data), unaligned(given), border=Border(1, 0, 2, 0))


@pytest.mark.parametrize("types", [(np.float64, np.float32), (np.float32, ">f4"), (np.float32, np.float64)], ids=str)
def test_other_types_go_to_the_portable_function(types):
    data, given = counts((1, 2, 9, 37)).astype(types[0]), weights((3, 3)).astype(types[1])
    assert_same(data, given, border=Border(1, 1, 1, 1))
    assert_same(data, given, border=Border(), places=(2, 3, 7))


@pytest.mark.parametrize(("shape", "error"), [((2, 3), "odd"), ((3, 3, 8, 9), "broadcast"), ((3, 4, 9, 9), "odd")])
def test_other_shapes_are_refused(shape, error):
    with pytest.raises(ValueError, match=error):
        correct_ipc(counts((1, 1, 9, 9)), weights(shape), border=Border())
