"""The CUDA kernels for jumps beside the portable function: the same flags, bit by bit."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpipe.jump import detection
from gpipe.jump.after_jump import AfterJump
from gpipe.jump.detection import JumpSettings
from gpipe.jump.iterative import Thresholds
from gpipe.jump.method import Method
from gpipe.jump.neighbours import Neighbours
from gpipe.kernels.cuda.jump import flag_jumps

DO_NOT_USE, SATURATED, JUMP_DET = 1, 2, 4
ALONE = JumpSettings(method=Method.ITERATIVE, thresholds=Thresholds(four_or_more=4, three=5, two=6), frames=2)
SPREADING = replace(
    ALONE,
    neighbours=Neighbours(least=10, most=100),
    after=(AfterJump(dn=200, groups=1), AfterJump(dn=1000, groups=3)),
)


def ramps(rng, shape, *, hits=0.1, whole=False):
    """Hits of both signs, flags of every kind, NaN and infinities; whole numbers make equal differences."""
    steps = rng.normal(50, 8, shape) + np.where(rng.random(shape) < hits, rng.choice([-300, 400, 5000], shape), 0)
    data = np.cumsum(np.round(steps, -1) if whole else steps, axis=1)
    data[rng.random(shape) < 0.01] = np.nan
    data[rng.random(shape) < 0.002] = rng.choice([np.inf, -np.inf, 3e38])
    groupdq = np.where(rng.random(shape) < 0.05, rng.choice([DO_NOT_USE, SATURATED, JUMP_DET, 16, 0x87], shape), 0)
    groupdq[:, shape[1] // 2 :, :1] |= SATURATED
    gain = np.ones(shape[2:]) if whole else rng.uniform(1.5, 2, shape[2:])
    noise = rng.uniform(4, 8, shape[2:])
    gain.flat[:: max(gain.size // 3, 1)] = rng.choice([np.nan, 0.0, -1.0])
    noise.flat[1 :: max(noise.size // 3, 1)] = rng.choice([np.nan, 0.0])
    return data.astype(np.float32), groupdq.astype(np.uint8), gain.astype(np.float32), noise.astype(np.float32)


def assert_same(cuda, exposure, how):
    with np.errstate(all="ignore"):
        expected = detection.flag_jumps(*exposure, settings=how)
        found = cuda(flag_jumps, *exposure, settings=how)
    np.testing.assert_array_equal(found.groupdq, expected.groupdq)
    np.testing.assert_array_equal(found.primary, expected.primary)
    assert found.groupdq.dtype == np.uint8
    assert found.primary.dtype == np.int64
    np.testing.assert_equal(found.open_rows, expected.open_rows)
    return found


# Each of these many differences has its own version of the kernel: up to 8, up to 16, up to 32, more.
SHAPES = [(1, 2, 4, 9), (1, 9, 5, 7), (3, 6, 4, 5), (2, 17, 3, 4), (8, 9, 3, 4), (4, 5, 1, 1)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("whole", [False, True], ids=["real", "whole numbers"])
def test_every_method_and_version(cuda, rng, shape, method, whole):
    for how in (ALONE, SPREADING):
        assert_same(cuda, ramps(rng, shape, whole=whole), replace(how, method=method))


@pytest.mark.parametrize("only_use_ints", [True, False])
@pytest.mark.parametrize("threshold", [1.0, 3.0])
def test_sigma_clipping(cuda, rng, only_use_ints, threshold):
    thresholds = Thresholds(four_or_more=threshold, three=9, two=9)
    how = replace(SPREADING, method=Method.SIGMA_CLIP, only_use_ints=only_use_ints, thresholds=thresholds)
    assert assert_same(cuda, ramps(rng, (40, 4, 5, 6)), how).primary.sum() > 0


def test_a_group_in_which_every_pixel_jumps_is_no_hit(cuda, rng):
    data = np.cumsum(rng.normal(50, 5, (20, 4, 3, 3)), axis=1).astype(np.float32)
    groupdq = np.zeros(data.shape, np.uint8)
    groupdq[4, 2, 0, 0] = DO_NOT_USE
    data[4, 2:] += 50000
    plane = np.full((3, 3), 4, np.float32)
    how = replace(SPREADING, method=Method.SIGMA_CLIP)
    assert_same(cuda, (data, groupdq, plane, plane), replace(how, whole_images=False))
    found = assert_same(cuda, (data, groupdq, plane, plane), how)
    assert not np.any(found.groupdq[4, 2] & JUMP_DET)


EQUAL = [[0, 90], [0, 0, 0, 100, 5000], [-100, 100], [7], [1, 1, 1, 30, 900, -900], [0, 400, 1000, 1000, 1000, 1300]]


@pytest.mark.parametrize("values", EQUAL, ids=str)
@pytest.mark.parametrize("groups", [3, 4, 5, 10])
def test_equal_differences(cuda, rng, values, groups):
    data = np.cumsum(rng.choice(values, (1, groups, 12, 12)), axis=1).astype(np.float32)
    groupdq = np.where(rng.random(data.shape) < 0.1, DO_NOT_USE, 0).astype(np.uint8)
    gain, noise = np.ones((12, 12), np.float32), rng.choice([0, 4, 8], (12, 12)).astype(np.float32)
    for limits in ((0.0, 0.0, 0.0), (1.0, 1.2, 1.5), (2.0, 3.0, 1.0)):
        thresholds = Thresholds(four_or_more=limits[0], three=limits[1], two=limits[2])
        assert_same(cuda, (data, groupdq, gain, noise), replace(SPREADING, thresholds=thresholds))


@pytest.mark.parametrize("threshold", [1.2, 2.0, 2.8])
@pytest.mark.parametrize("method", Method)
def test_noise_about_the_threshold(cuda, rng, method, threshold):
    data = np.cumsum(rng.normal(50, 8, (1, 8, 40, 50)), axis=1).astype(np.float32)
    gain, noise = (rng.uniform(low, high, (40, 50)).astype(np.float32) for low, high in ((1.5, 2), (4, 8)))
    thresholds = Thresholds(four_or_more=threshold, three=threshold, two=threshold)
    how = replace(ALONE, method=method, thresholds=thresholds, only_use_ints=False)
    assert assert_same(cuda, (data, np.zeros(data.shape, np.uint8), gain, noise), how).primary.sum() > 0


@pytest.mark.parametrize(
    "after", [((-50.0, 2),), ((0.0, 100), (300.0, 1)), ((30.0, 1),) * 7, ((30.0, 2),) * 8], ids=str
)
@pytest.mark.parametrize("neighbours", [None, Neighbours(least=0, most=1e9), Neighbours(least=3, most=15)], ids=str)
def test_spreading(cuda, rng, after, neighbours):
    how = replace(ALONE, neighbours=neighbours, after=tuple(AfterJump(dn=dn, groups=n) for dn, n in after))
    assert_same(cuda, ramps(rng, (2, 9, 5, 6)), how)


def test_strided_arguments_are_taken_and_not_written_to(cuda, rng):
    exposure = ramps(rng, (2, 6, 8, 9))
    before = [x.copy() for x in exposure]
    for x in exposure:
        x.flags.writeable = False
    assert_same(cuda, [x[..., ::2, 1::3] for x in exposure], SPREADING)
    assert_same(cuda, exposure, SPREADING)
    for x, y in zip(exposure, before, strict=True):
        np.testing.assert_array_equal(x, y)


def test_without_a_method_the_portable_function_sees_to_the_flags(cuda, rng):
    exposure = ramps(rng, (2, 5, 3, 4))
    found = cuda(flag_jumps, *exposure, settings=replace(SPREADING, method=None))
    redundant = (exposure[1] & (DO_NOT_USE | SATURATED)) != 0
    np.testing.assert_array_equal(found.groupdq, np.where(redundant, exposure[1] & ~np.uint8(JUMP_DET), exposure[1]))
    assert found.primary is None


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(Method),
    st.tuples(st.integers(1, 5), st.integers(2, 10), st.integers(1, 4), st.integers(1, 9)),
    st.booleans(),
    st.sampled_from([0.0, 1.0, 2.5, 4.0]),
)
def test_any_ramp(cuda, seed, method, shape, whole, threshold):
    thresholds = Thresholds(four_or_more=threshold, three=threshold + 1, two=threshold + 2)
    how = replace(SPREADING, method=method, thresholds=thresholds, only_use_ints=bool(seed % 2))
    assert_same(cuda, ramps(np.random.default_rng(seed), shape, hits=0.2, whole=whole), how)
