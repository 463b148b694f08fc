import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpipe import dq
from gpipe.saturation.saturation import BEYOND_CONVERTER, flag_saturation, usable_threshold


def box(mask, reach):
    """Pixels within ``reach`` of a true one."""
    out = np.zeros_like(mask)
    for y, x in np.argwhere(mask):
        out[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1] = True
    return out


def slow(data, groupdq, level, level_dq, *, grow, nframes, bias):
    """The four rules, written out pixel by pixel with Python's double precision."""
    _, ngroups, rows, columns = data.shape
    pixels = [(y, x) for y in range(rows) for x in range(columns)]
    unchecked = np.isnan(level) | ((level_dq & dq.NO_SAT_CHECK) != 0)
    limit = np.where(unchecked, BEYOND_CONVERTER, level).astype(np.float32)
    flags = groupdq.copy()
    for counts, out in zip(data, flags, strict=True):
        for g in range(ngroups):
            above = np.array([(counts[: g + 1, y, x] >= limit[y, x]).any() for y, x in pixels]).reshape(rows, columns)
            out[g][counts[g] <= 0] |= dq.AD_FLOOR | dq.DO_NOT_USE
            out[g][box(above | ((out[g] & dq.SATURATED) != 0), grow)] |= dq.SATURATED
        if nframes is None:
            continue
        before = out.copy()
        for g in range(ngroups - 1):
            hidden = np.zeros((rows, columns), dtype=bool)
            frames = range(g * nframes + 1, (g + 1) * nframes + 1)
            dilution = sum(frames) / len(frames) / frames[-1]
            for y, x in pixels:
                diluted = float(limit[y, x]) * (1 if unchecked[y, x] else dilution)
                free = not before[g, y, x] & (dq.SATURATED | dq.DO_NOT_USE)
                hidden[y, x] = counts[g, y, x] >= diluted and free and bool(before[g + 1, y, x] & dq.SATURATED)
            if nframes > 1:
                out[g][box(hidden, grow)] |= dq.DO_NOT_USE
        for y, x in pixels if ngroups > 2 else ():
            zero = 0.0 if bias is None else float(bias[y, x])
            first, second = float(counts[0, y, x]), float(counts[1, y, x])
            announced = (first - zero) / ((nframes + 1) / 2) * (3 * nframes) + zero >= limit[y, x]
            late = before[2, y, x] & dq.SATURATED and not before[1, y, x] & dq.SATURATED
            if late and not announced and second - first > (limit[y, x] - first) / nframes:
                out[1, y, x] |= dq.DO_NOT_USE
    return flags


def scene(rng, groups=5, shape=(9, 11), integrations=2):
    """Ramps of which about a third saturate, some of them suddenly, some at the floor; thresholds of every kind."""
    steps = rng.integers(0, 9000, (integrations, groups, *shape))
    steps[rng.random(steps.shape) < 0.1] += 30000
    data = np.cumsum(steps, axis=1).clip(0, 65535).astype(np.float32)
    data[rng.random(data.shape) < 0.02] = 0
    level = rng.integers(40000, 60000, shape).astype(np.float32)
    level[rng.random(shape) < 0.05] = np.nan
    level_dq = rng.choice(np.array([0] * 8 + [dq.NO_SAT_CHECK, dq.DEAD], dtype=np.uint32), shape)
    groupdq = rng.choice(np.array([0] * 60 + [dq.DO_NOT_USE, dq.SATURATED], dtype=np.uint8), data.shape)
    pixeldq = rng.choice(np.array([0, dq.HOT], dtype=np.uint32), shape)
    return data, groupdq, pixeldq, level, level_dq


@pytest.mark.parametrize("groups", [1, 2, 3, 5])
@pytest.mark.parametrize("nframes", [None, 1, 4])
@pytest.mark.parametrize("grow", [0, 1, 2])
def test_flags_against_a_loop(library, rng, groups, nframes, grow):
    data, groupdq, pixeldq, level, level_dq = scene(rng, groups)
    bias = rng.integers(0, 3000, level.shape).astype(np.float32)
    out = library.run(flag_saturation, data, groupdq, pixeldq, level, level_dq, grow=grow, nframes=nframes, bias=bias)
    expected = slow(data, groupdq, level, level_dq, grow=grow, nframes=nframes, bias=bias)
    np.testing.assert_array_equal(out.groupdq, expected)
    assert out.groupdq.dtype == np.uint8
    assert out.saturated_pixels.sum() == np.count_nonzero(np.any(expected & dq.SATURATED, axis=(0, 1)))
    assert out.floor_pixels.sum() == np.count_nonzero(np.any(expected & dq.AD_FLOOR, axis=(0, 1)))


def test_pixel_flags_join_those_of_the_reference(library, rng):
    data, groupdq, pixeldq, level, level_dq = scene(rng)
    out = library.run(flag_saturation, data, groupdq, pixeldq, level, level_dq)
    unknown = np.where(np.isnan(level), dq.NO_SAT_CHECK, 0)
    np.testing.assert_array_equal(out.pixeldq, pixeldq | level_dq | unknown.astype(np.uint32))
    assert out.pixeldq.dtype == np.uint32


def test_thresholds_that_are_not_to_be_checked_are_out_of_reach(library):
    level = np.array([[1000, np.nan, 1000, np.inf, -np.inf]], dtype=np.float32)
    level_dq = np.array([[0, 0, dq.NO_SAT_CHECK, 0, 0]], dtype=np.uint32)
    out = library.run(usable_threshold, level, level_dq)
    np.testing.assert_array_equal(out.level, np.array([[1000, *[BEYOND_CONVERTER] * 4]], np.float32))
    np.testing.assert_array_equal(out.dq, [[0, *[dq.NO_SAT_CHECK] * 4]])
    assert out.level.dtype == np.float32


def one_ramp(values, level=50000.0):
    data = np.array(values, dtype=np.float32).reshape(1, -1, 1, 1)
    flat = np.zeros((1, 1), dtype=np.uint32)
    return data, np.zeros(data.shape, np.uint8), flat, np.full((1, 1), level, np.float32), flat


def ramp_flags(library, values, **kwargs):
    return library.run(flag_saturation, *one_ramp(values), **kwargs).groupdq[0, :, 0, 0].tolist()


def test_saturation_lasts_to_the_end_and_the_floor_does_not(library):
    floor = dq.AD_FLOOR | dq.DO_NOT_USE
    assert ramp_flags(library, [0, 20000, 50000, 30000]) == [floor, 0, dq.SATURATED, dq.SATURATED]


def test_nan_is_neither_saturated_nor_at_the_floor(library):
    assert ramp_flags(library, [np.nan, np.nan, np.nan], nframes=4) == [0, 0, 0]


def test_a_mean_of_frames_that_saturated_late_is_not_used(library):
    # Frames 5-8 average 42000: a straight ramp would reach 42000 * 8 / 6.5 = 51692 in the last of them.
    assert ramp_flags(library, [11000, 42000, 60000], nframes=4) == [0, dq.DO_NOT_USE, dq.SATURATED]
    assert ramp_flags(library, [11000, 40000, 60000], nframes=4) == [0, 0, dq.SATURATED]
    assert ramp_flags(library, [11000, 42000, 45000], nframes=4) == [0, 0, 0]


def test_a_jump_into_saturation_within_the_second_group(library):
    # The first group predicts 3000 / 2.5 * 12 = 14400 for the third one's last frame.
    assert ramp_flags(library, [3000, 20000, 60000], nframes=4) == [0, dq.DO_NOT_USE, dq.SATURATED]
    assert ramp_flags(library, [3000, 20000, 60000], nframes=None) == [0, 0, dq.SATURATED]
    assert ramp_flags(library, [3000, 14000, 60000], nframes=4) == [0, 0, dq.SATURATED]
    # 11000 predict 52800; only with a bias of 2000 known, 45200.
    assert ramp_flags(library, [11000, 30000, 60000], nframes=4) == [0, 0, dq.SATURATED]
    bias = np.full((1, 1), 2000, dtype=np.float32)
    assert ramp_flags(library, [11000, 30000, 60000], nframes=4, bias=bias) == [0, dq.DO_NOT_USE, dq.SATURATED]
    assert ramp_flags(library, [11000, 30000, 60000], nframes=4, bias=bias * np.nan) == [0, 0, dq.SATURATED]


def test_zeroframe_samples_that_cannot_be_used_become_zero(library):
    data, groupdq, pixeldq, level, level_dq = scene(np.random.default_rng(1), shape=(1, 8), integrations=1)
    level, level_dq = np.full_like(level, 100), np.zeros_like(level_dq)
    zeroframe = np.array([[[5, 5, 5, 100, 5, 5, -1, 5]]], dtype=np.float32)
    out = library.run(flag_saturation, data, groupdq, pixeldq, level, level_dq, grow=1, zeroframe=zeroframe)
    np.testing.assert_array_equal(out.zeroframe, [[[5, 5, 0, 0, 0, 5, 0, 5]]])
    assert out.zeroframe.dtype == np.float32


@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 1, 3]))
def test_flags_are_only_added_and_order_of_integrations_does_not_matter(seed, nframes):
    data, groupdq, pixeldq, level, level_dq = scene(np.random.default_rng(seed), groups=4, shape=(4, 5))
    out = flag_saturation(data, groupdq, pixeldq, level, level_dq, nframes=nframes)
    assert not (groupdq & ~out.groupdq).any()
    swapped = flag_saturation(data[::-1], groupdq[::-1], pixeldq, level, level_dq, nframes=nframes)
    np.testing.assert_array_equal(swapped.groupdq[::-1], out.groupdq)


@given(st.integers(0, 2**32 - 1), st.integers(1, 20000))
def test_a_lower_threshold_never_unflags_saturation(seed, lower):
    data, groupdq, pixeldq, level, level_dq = scene(np.random.default_rng(seed), groups=4, shape=(4, 5))
    high = flag_saturation(data, groupdq, pixeldq, level, level_dq).groupdq & dq.SATURATED
    low = flag_saturation(data, groupdq, pixeldq, level - lower, level_dq).groupdq & dq.SATURATED
    assert not (high & ~low).any()
