"""The kernels of samples of IRS2 outputs beside the portable functions, whose numbers they repeat bit by bit."""

import numpy as np
import pytest
from helpers.in_c import in_every_variant, kernel, unaligned
from hypothesis import given, settings
from hypothesis import strategies as st

from gpipe.refpix.irs2 import samples
from gpipe.refpix.orientation import Orientation

pytestmark = [in_every_variant, pytest.mark.filterwarnings("ignore::RuntimeWarning")]
samples_in_time = kernel(samples.samples_in_time)
normal_counts = kernel(samples.normal_counts)
rise_to_mean = kernel(samples.rise_to_mean)

TRANSPOSED = [Orientation(2, 1), Orientation(-2, 1), Orientation(2, -1), Orientation(-2, -1)]
ORIENTATIONS = [*TRANSPOSED, Orientation(1, 2)]
BLOCK = 20
ROWS = 4 * BLOCK
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0, -0.0, 3e38, -3e38, 1e-45], np.float32)


def with_special(rng, x, share):
    where = rng.random(x.shape) < share
    x[where] = rng.choice(SPECIAL, where.sum())
    return x


def scene(rng, columns=130, rows=ROWS, special=0.0):
    first = rng.normal(5000, 300, (rows, columns)).astype(np.float32)
    counts = (first + rng.normal(50, 20, first.shape)).astype(np.float32)
    rise = rng.normal(50, 20, first.shape)
    counts[rng.random(first.shape) < 0.05] = np.nan
    rise[rng.random(first.shape) < 0.05] = np.nan
    return tuple(with_special(rng, x, special) for x in (counts, first, rise))


def assert_same(found, expected):
    """Compare values, with the signs of zeros."""
    np.testing.assert_array_equal(found, expected, strict=True)
    known = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found[known]), np.signbit(expected[known]))


def assert_samples_and_back(given, **which):
    found = samples_in_time(*given, **which)
    assert_same(found, samples.samples_in_time(*given, **which))
    which = {name: which[name] for name in ("output", "orientation")}
    assert_same(normal_counts(found, *given[1:], **which), samples.normal_counts(found, *given[1:], **which))


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
@pytest.mark.parametrize("output", [0, 1])
def test_samples_and_back(rng, orientation, output):
    counts, first, rise = scene(rng)
    which = {"output": output, "orientation": orientation}
    found = samples_in_time(counts, first, rise, **which)
    np.testing.assert_array_equal(found, samples.samples_in_time(counts, first, rise, **which))
    back = normal_counts(found, first, rise, **which)
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, samples.normal_counts(found, first, rise, **which))


@settings(max_examples=40, deadline=None)
@given(
    blocks=st.integers(1, 4),
    columns=st.integers(1, 9) | st.integers(120, 140) | st.integers(250, 260),
    output=st.integers(0, 4),
    orientation=st.sampled_from(TRANSPOSED),
    bad_share=st.sampled_from([None, 0, 0.3, 1]),
    named_share=st.sampled_from([None, 0.3]),
    seed=st.integers(0, 1 << 32),
)
def test_any_numbers(blocks, columns, output, orientation, bad_share, named_share, seed):
    rng = np.random.default_rng(seed)
    given = scene(rng, columns, blocks * BLOCK, special=0.3)
    bad, named = (None if share is None else rng.random((blocks, 4)) < share for share in (bad_share, named_share))
    assert_samples_and_back(given, output=output, orientation=orientation, bad=bad, named=named)


@pytest.mark.parametrize("bad_share", [0, 0.2, 0.6, 1])
@pytest.mark.parametrize("with_named", [True, False])
def test_bad_reads_are_replaced(rng, bad_share, with_named):
    counts, first, rise = scene(rng)
    bad = rng.random((ROWS // 20, 4)) < bad_share
    named = rng.random(bad.shape) < 0.4 if with_named else None
    more = {"output": 2, "orientation": Orientation(2, 1), "bad": bad, "named": named}
    expected = samples.samples_in_time(counts, first, rise, **more)
    np.testing.assert_array_equal(samples_in_time(counts, first, rise, **more), expected)


@pytest.mark.parametrize("shape", [(0, 5), (20, 1), (60, 129)], ids=str)
@pytest.mark.parametrize("orientation", TRANSPOSED, ids=str)
def test_shapes(rng, shape, orientation):
    assert_samples_and_back(scene(rng, shape[1], shape[0]), output=1, orientation=orientation)


def test_no_columns(rng):
    """Of which the portable function makes no rows."""
    which = {"output": 1, "orientation": TRANSPOSED[0]}
    counts, first, rise = scene(rng, 0)
    found = samples_in_time(counts, first, rise, **which)
    assert_same(found, samples.samples_in_time(counts, first, rise, **which))
    assert normal_counts(found, first, rise, **which).shape == (ROWS // BLOCK * 16, 0)


def test_part_of_a_block(rng):
    assert_samples_and_back(scene(rng, 7, BLOCK + 3), output=1, orientation=TRANSPOSED[0])


@pytest.mark.parametrize("blocks", [2, 5])
def test_bad_reads_of_another_number_of_blocks(rng, blocks):
    which = {"output": 1, "orientation": TRANSPOSED[0]}
    with pytest.raises(ValueError, match="reshape"):
        samples_in_time(*scene(rng), bad=np.ones((blocks, 4), np.bool_), **which)


def test_read_only_and_strided(rng):
    counts, first, rise = (x[:, ::2] for x in scene(rng))
    which = {"output": 0, "orientation": ORIENTATIONS[0]}
    for x in (counts, first, rise):
        x.flags.writeable = False
    found = samples_in_time(counts, first, rise, **which)
    np.testing.assert_array_equal(found, samples.samples_in_time(counts, first, rise, **which))
    turned = np.asfortranarray(found)
    turned.flags.writeable = False
    assert_same(normal_counts(turned, first, rise, **which), samples.normal_counts(found, first, rise, **which))


def test_unaligned_and_other_types(rng):
    which = {"output": 3, "orientation": TRANSPOSED[1]}
    given = scene(rng)
    assert_samples_and_back([unaligned(x) for x in given], **which)
    counts, first, rise = given
    assert_samples_and_back((counts.astype(np.float64), first.astype(np.float64), rise), **which)


@pytest.mark.parametrize("groups", [1, 2, 7])
@pytest.mark.parametrize("workers", [1, 3])
def test_means_over_groups(rng, groups, workers):
    data = rng.normal(5000, 300, (groups, ROWS, 13)).astype(np.float32)
    data[rng.random(data.shape) < 0.05] = np.nan
    data.flags.writeable = False
    found = rise_to_mean(data, workers=workers)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, samples.rise_to_mean(data))


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 11), st.integers(0, 5), st.integers(0, 5) | st.integers(120, 260)),
    workers=st.sampled_from([1, 4]),
    seed=st.integers(0, 1 << 32),
)
def test_means_of_any_numbers(shape, workers, seed):
    rng = np.random.default_rng(seed)
    data = with_special(rng, rng.normal(5000, 300, shape).astype(np.float32), 0.3)
    assert_same(rise_to_mean(data, workers=workers), samples.rise_to_mean(data))


def test_means_of_cut_groups_with_levels(rng):
    data = rng.normal(5000, 300, (4, ROWS, 26)).astype(np.float32)[..., ::2]
    levels = rng.normal(0, 5, (4, ROWS, 1)).astype(np.float32)
    np.testing.assert_array_equal(rise_to_mean(data), samples.rise_to_mean(data))
    np.testing.assert_array_equal(rise_to_mean(data, levels), samples.rise_to_mean(data, levels))


def test_means_of_unaligned_and_other_types(rng):
    data = rng.normal(5000, 300, (4, ROWS, 26)).astype(np.float32)
    for x in (unaligned(data), data.astype(np.float64)):
        assert_same(rise_to_mean(x), samples.rise_to_mean(x))
