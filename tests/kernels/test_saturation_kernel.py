"""The kernel of saturation beside the portable function: equal flags, counts and zero frames."""

import numpy as np
import pytest
from helpers.in_c import in_every_variant, kernel, unaligned
from hypothesis import given, settings
from hypothesis import strategies as st

from gpipe import dq
from gpipe.arrays.blocks import for_each
from gpipe.arrays.interleaved import own_rows
from gpipe.saturation import saturation
from gpipe.saturation.irs2 import flag_saturation_irs2

pytestmark = in_every_variant
flag_saturation = kernel(saturation.flag_saturation)


SPECIAL = np.array([np.nan, np.inf, -np.inf, 0, -0.0, 3e38, -3e38, 1e-45], np.float32)


def scene(rng, shape):
    """Ramps of which about a third saturate, some suddenly, some at the floor or NaN; thresholds of every kind."""
    steps = rng.integers(0, 9000, shape)
    steps[rng.random(shape) < 0.1] += 30000
    data = np.cumsum(steps, axis=1).clip(0, 65535).astype(np.float32)
    data[rng.random(shape) < 0.02] = 0
    data[rng.random(shape) < 0.02] = np.nan
    level = rng.integers(40000, 60000, shape[2:]).astype(np.float32)
    level[rng.random(level.shape) < 0.05] = np.nan
    level[:1, :1], level[:1, 1:2] = np.inf, -np.inf
    level_dq = rng.choice(np.array([0] * 8 + [dq.NO_SAT_CHECK, dq.DEAD], dtype=np.uint32), level.shape)
    groupdq = rng.choice(np.array([0] * 60 + [dq.DO_NOT_USE, dq.SATURATED, 0x8C], dtype=np.uint8), shape)
    return data, groupdq, rng.choice(np.array([0, dq.HOT], dtype=np.uint32), level.shape), level, level_dq


def assert_same(exposure, **options):
    expected = saturation.flag_saturation(*exposure, **options)
    found = flag_saturation(*exposure, **options)
    for name in ("groupdq", "pixeldq", "zeroframe", "saturated_pixels", "floor_pixels"):
        ours, theirs = getattr(found, name), getattr(expected, name)
        np.testing.assert_array_equal(ours, theirs, err_msg=name)
        assert ours is None or ours.dtype == theirs.dtype
    return found


def bias_of(rng, shape):
    bias = rng.integers(0, 3000, shape).astype(np.float32)
    bias[rng.random(shape) < 0.1] = np.nan
    return bias


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
@pytest.mark.parametrize("nframes", [None, 1, 4, 5])
@pytest.mark.parametrize("grow", [0, 1, 2, 7])
@pytest.mark.parametrize("with_bias", [False, True])
def test_every_rule(rng, groups, nframes, grow, with_bias):
    data, *others = scene(rng, (2, groups, 9, 70))
    bias = bias_of(rng, (9, 70)) if with_bias else None
    found = assert_same((data, *others), grow=grow, nframes=nframes, bias=bias, zeroframe=data[:, 0, ...])
    assert found.saturated_pixels.any()
    assert found.floor_pixels.any()


@pytest.mark.parametrize("shape", [(1, 4, 1, 1), (1, 4, 1, 40), (3, 4, 40, 1), (12, 3, 2, 2)], ids=str)
@pytest.mark.parametrize("grow", [1, 3])
def test_few_rows_or_columns(rng, shape, grow):
    assert_same(scene(rng, shape), grow=grow, nframes=4)


def test_without_any_saturation(rng):
    data, groupdq, pixeldq, level, level_dq = scene(rng, (1, 4, 6, 7))
    found = assert_same((data, groupdq & 0xFC, pixeldq, np.full_like(level, 1e6), level_dq), nframes=4)
    assert not found.saturated_pixels.any()


def test_read_only_and_strided_arguments_are_taken_and_not_written_to(rng):
    exposure = scene(rng, (2, 5, 16, 20))
    before = [x.copy() for x in exposure]
    for x in exposure:
        x.flags.writeable = False
    assert_same(exposure, nframes=4)
    assert_same([x[..., ::2, 1::3] for x in exposure], nframes=4)
    for x, y in zip(exposure, before, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("reference_first", [True, False])
def test_irs2_readout_with_the_kernel(rng, reference_first):
    data, groupdq, pixeldq, level, level_dq = scene(rng, (2, 4, 100, 30))
    arrays = (data, groupdq, pixeldq, level[:64], level_dq[:64])
    places = own_rows(slice(0, 100), total=100, reference_first=reference_first).places
    options = {"places": places, "nframes": 5, "zeroframe": data[:, 0, ...]}
    expected = flag_saturation_irs2(*arrays, **options)
    found = flag_saturation_irs2(*arrays, **options, flag=flag_saturation)
    for name in ("groupdq", "pixeldq", "zeroframe", "saturated_pixels", "floor_pixels"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 12), st.integers(1, 40)),
    st.integers(0, 4),
    st.sampled_from([None, 1, 2, 8]),
)
def test_any_ramp(seed, shape, grow, nframes):
    rng = np.random.default_rng(seed)
    assert_same(scene(rng, shape), grow=grow, nframes=nframes, bias=bias_of(rng, shape[2:]))


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(1, 2), st.integers(1, 5), st.integers(1, 9), st.integers(1, 140)),
    st.integers(0, 3),
    st.sampled_from([None, 1, 2, 8]),
    st.sampled_from([0.02, 0.5]),
)
def test_nan_and_infinity_anywhere(seed, shape, grow, nframes, share):
    rng = np.random.default_rng(seed)
    data, groupdq, pixeldq, level, level_dq = scene(rng, shape)
    bias, zeroframe = bias_of(rng, shape[2:]), data[:, 0, ...].copy()
    for x in (data, level, bias, zeroframe):
        there = rng.random(x.shape) < share
        x[there] = rng.choice(SPECIAL, np.count_nonzero(there))
    level_dq[...] = rng.integers(0, 1 << 32, level.shape, np.uint32)
    groupdq |= rng.integers(0, 256, shape, np.uint8) & (rng.random(shape) < share)
    with np.errstate(all="ignore"):
        assert_same(
            (data, groupdq, pixeldq, level, level_dq), grow=grow, nframes=nframes, bias=bias, zeroframe=zeroframe
        )


@pytest.mark.parametrize("nframes", [None, 4])
@pytest.mark.parametrize("shape", [(2, 5, 0, 3), (2, 5, 3, 0), (0, 5, 3, 4), (2, 0, 3, 4)], ids=str)
def test_nothing_to_flag(rng, shape, nframes):
    """The portable function refuses some of these shapes; pixels get their flags all the same."""
    *samples, pixeldq, level, level_dq = scene(rng, (2, 5, *shape[2:]))
    data, groupdq = (x[: shape[0], : shape[1]] for x in samples)
    found = flag_saturation(data, groupdq, pixeldq, level, level_dq, nframes=nframes, zeroframe=samples[0][:, 0])
    assert (found.groupdq.shape, found.groupdq.dtype) == (shape, np.uint8)
    np.testing.assert_array_equal(found.pixeldq, pixeldq | saturation.usable_threshold(level, level_dq).dq, strict=True)
    assert found.zeroframe.shape == (2, *shape[2:])
    for counts in (found.saturated_pixels, found.floor_pixels):
        np.testing.assert_array_equal(counts, np.zeros(shape[2], np.int32), strict=True)


@pytest.mark.parametrize("grow", [5, 30, 10**9])
def test_charge_spills_beyond_the_edges(rng, grow):
    data, *others = scene(rng, (1, 3, 4, 6))
    found = flag_saturation(data, *others, grow=grow, nframes=4, zeroframe=data[:, 0, ...])
    expected = saturation.flag_saturation(data, *others, grow=min(grow, 30), nframes=4, zeroframe=data[:, 0, ...])
    np.testing.assert_array_equal(found.groupdq, expected.groupdq, strict=True)
    np.testing.assert_array_equal(found.zeroframe, expected.zeroframe, strict=True)


def test_unaligned_arguments(rng):
    exposure = [unaligned(x) for x in scene(rng, (2, 5, 6, 37))]
    assert_same(exposure, nframes=4, bias=unaligned(bias_of(rng, (6, 37))), zeroframe=unaligned(exposure[0][:, 0]))


def test_several_workers(rng):
    exposures = [scene(rng, (2, 5, 20, 70)) for _ in range(8)]

    def flag(exposure):
        return flag_saturation(*exposure, nframes=4, zeroframe=exposure[0][:, 0, ...])

    for ours, theirs in zip(for_each(flag, exposures, workers=4), map(flag, exposures), strict=True):
        for name in ("groupdq", "pixeldq", "zeroframe", "saturated_pixels", "floor_pixels"):
            np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), strict=True)


@pytest.mark.parametrize(("position", "dtype"), [(0, np.float64), (2, np.int64), (3, ">f4")])
def test_other_types_go_to_the_portable_function(rng, position, dtype):
    exposure = list(scene(rng, (2, 4, 5, 20)))
    exposure[position] = exposure[position].astype(dtype)
    assert_same(exposure, nframes=4)


def test_other_shapes_are_refused(rng):
    data, groupdq, *planes = scene(rng, (2, 4, 5, 20))
    with pytest.raises(ValueError, match="saturation_flag: argument groupdq: found 3 groups"):
        flag_saturation(data, groupdq[:, 1:], *planes)
