"""The CUDA kernels for saturation beside the portable function: the same flags and counts, bit by bit."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpipe.kernels.cuda.saturation import flag_saturation
from gpipe.saturation import saturation

NO_SAT_CHECK = 1 << 21


def exposure(rng, shape, *, whole=False):
    """Ramps that reach their thresholds, or just not, in any group; flags, NaN, floors and unknown thresholds."""
    plane = shape[2:]
    level = np.round(rng.uniform(900, 1100, plane)) if whole else rng.uniform(900, 1100, plane)
    rate = level / rng.uniform(0.3, 3, plane) / shape[1]
    data = rate * np.arange(1, shape[1] + 1)[:, None, None] + rng.normal(0, 20, shape)
    data += np.where(rng.random(shape) < 0.05, rng.choice([-2000, 3000, 60000], shape), 0)
    data = np.round(data) if whole else data
    data[rng.random(shape) < 0.02] = np.nan
    level[rng.random(plane) < 0.1] = np.nan
    groupdq = np.where(rng.random(shape) < 0.05, rng.choice([1, 2, 4, 64], shape), 0)
    level_dq = np.where(rng.random(plane) < 0.1, NO_SAT_CHECK, 0) | rng.integers(0, 2, plane)
    bias = rng.normal(50, 5, plane)
    bias[rng.random(plane) < 0.1] = np.nan
    zeroframe = rng.uniform(-100, 1500, (shape[0], *plane))
    zeroframe[rng.random(zeroframe.shape) < 0.1] = np.nan
    pixeldq = rng.integers(0, 8, plane)
    arrays = (data.astype(np.float32), groupdq.astype(np.uint8), pixeldq.astype(np.uint32))
    return (*arrays, level.astype(np.float32), level_dq.astype(np.uint32)), {
        "bias": bias.astype(np.float32),
        "zeroframe": zeroframe.astype(np.float32),
    }


def assert_same(cuda, arrays, **options):
    expected = saturation.flag_saturation(*arrays, **options)
    found = cuda(flag_saturation, *arrays, **options)
    for field in fields(expected):
        ours, theirs = getattr(found, field.name), getattr(expected, field.name)
        np.testing.assert_array_equal(ours, theirs, err_msg=field.name)
        assert ours is None or ours.dtype == theirs.dtype
    return found


@pytest.mark.parametrize("shape", [(1, 1, 4, 5), (1, 2, 6, 7), (2, 6, 9, 8), (3, 4, 1, 6), (1, 12, 5, 1)], ids=str)
@pytest.mark.parametrize("nframes", [None, 1, 2, 5])
@pytest.mark.parametrize("grow", [0, 1, 3])
@pytest.mark.parametrize("whole", [False, True], ids=["real", "whole numbers"])
def test_every_rule(cuda, rng, shape, nframes, grow, whole):
    arrays, planes = exposure(rng, shape, whole=whole)
    assert_same(cuda, arrays, grow=grow, nframes=nframes, **planes)
    assert_same(cuda, arrays, grow=grow, nframes=nframes)


def test_rules_of_averaged_groups_are_reached(cuda, rng):
    arrays, planes = exposure(rng, (1, 6, 40, 40))
    plain = assert_same(cuda, arrays)
    averaged = assert_same(cuda, arrays, nframes=4, bias=planes["bias"])
    assert np.any(averaged.groupdq[:, 1] & ~plain.groupdq[:, 1] & 1)
    assert np.any(averaged.groupdq[:, 2:] & ~plain.groupdq[:, 2:] & 1)


def test_a_late_second_group_is_looked_for_in_float64(cuda):
    """The third group is announced at 4.8 times the first: thresholds are the float32 nearest to it."""
    first = np.arange(1001, 3001, dtype=np.float32).reshape(40, 50)
    level = (4.8 * first).astype(np.float32)
    data = np.stack([first, first + 0.5 * (level - first), level + 1])[None]
    planes = (np.zeros(data.shape, np.uint8), np.zeros(first.shape, np.uint32), level, np.zeros(first.shape, np.uint32))
    found = assert_same(cuda, (data, *planes), grow=0, nframes=4)
    assert 0 < np.mean(found.groupdq[0, 1] == 1) < 1


def test_strided_arguments_are_taken_and_not_written_to(cuda, rng):
    arrays, planes = exposure(rng, (2, 5, 12, 18))
    before = [x.copy() for x in arrays]
    for x in (*arrays, *planes.values()):
        x.flags.writeable = False
    strided = {name: x[..., ::2, 1::3] for name, x in planes.items()}
    assert_same(cuda, [x[..., ::2, 1::3] for x in arrays], nframes=4, **strided)
    for x, y in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(x, y)


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(1, 3), st.integers(1, 8), st.integers(1, 6), st.integers(1, 9)),
    st.integers(0, 2),
    st.sampled_from([None, 1, 3, 8]),
    st.booleans(),
)
def test_any_exposure(cuda, seed, shape, grow, nframes, whole):
    arrays, planes = exposure(np.random.default_rng(seed), shape, whole=whole)
    assert_same(cuda, arrays, grow=grow, nframes=nframes, **planes)
