import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpipe import dq
from gpipe.persistence.time_window import NEVER, flag_windows, no_windows

SHAPE = (3, 4, 5, 6)


def covers(times, seconds):
    return [max(j for j, later in enumerate(times) if later <= time + seconds) for time in times]


def slow(data, groupdq, ends, times, seconds, threshold, bits):
    """Pixel by pixel, with the time at which each window ends; 0 is no window."""
    out, ends = groupdq.copy(), ends.copy()
    integrations, groups, rows, columns = data.shape
    for y in range(rows):
        for x in range(columns):
            for i in range(integrations):
                saturated = 0
                for g in range(groups):
                    now = times[i * groups + g]
                    if ends[y, x] < now:
                        ends[y, x] = 0
                    saturated += bool(groupdq[i, g, y, x] & dq.SATURATED)
                    bright = threshold is not None and data[i, g, y, x] > threshold and ends[y, x] == 0
                    if saturated == 1 or bright:
                        ends[y, x] = now + seconds
                    if ends[y, x] > 0:
                        out[i, g, y, x] |= bits
    return out, ends


@pytest.fixture
def exposure(rng):
    """Saturated groups here and there, a sample without value, windows from before in a third of the pixels."""
    data = rng.uniform(0, 100, SHAPE).astype(np.float32)
    data[0, 1, 2, 3] = np.nan
    groupdq = rng.choice(np.array([0, 0, 0, 0, 1, 2, 6], dtype=np.uint8), SHAPE)
    times = np.cumsum(rng.uniform(8, 12, SHAPE[0] * SHAPE[1])) + 1000
    ends = np.where(rng.random(SHAPE[2:]) < 0.3, rng.uniform(990, 1040, SHAPE[2:]), 0)
    return data, groupdq, [float(t) for t in times], ends


@pytest.mark.parametrize("seconds", [3, 25, 60, 1000])
@pytest.mark.parametrize("threshold", [None, 90.0])
def test_flags_against_a_loop(library, exposure, seconds, threshold):
    data, groupdq, times, ends = exposure
    ends = np.where(ends > times[0] + seconds, 0, ends)
    last = (np.searchsorted(times, ends, side="right") - 1).astype(np.int32)
    groups = covers(times, seconds)
    out = library.run(flag_windows, data, groupdq, last, covers=groups, threshold=threshold)
    expected, expected_ends = slow(data, groupdq, ends, times, seconds, threshold, dq.PERSISTENCE)
    np.testing.assert_array_equal(out.groupdq, expected)
    assert (out.groupdq.dtype, out.last.dtype, out.opened.dtype) == (np.uint8, np.int32, np.int32)
    open_at_the_end = out.last == len(times) - 1
    np.testing.assert_array_equal(open_at_the_end, expected_ends > 0)
    own = open_at_the_end & (out.opened != NEVER)
    np.testing.assert_array_equal(np.array(times)[out.opened[own]] + seconds, expected_ends[own])
    left = open_at_the_end & (out.opened == NEVER)
    np.testing.assert_array_equal(ends[left], expected_ends[left])
    assert out.pixels == np.count_nonzero((out.groupdq & dq.PERSISTENCE).any(axis=(0, 1)))


def test_groups_that_are_not_to_be_used(library, exposure):
    data, groupdq, times, _ = exposure
    last = library.run(no_windows, data)
    out = library.run(flag_windows, data, groupdq, last, covers=covers(times, 30), do_not_use=True)
    bits = dq.PERSISTENCE | dq.DO_NOT_USE
    np.testing.assert_array_equal(out.groupdq, slow(data, groupdq, np.zeros(SHAPE[2:]), times, 30, None, bits)[0])


def test_a_window_covers_its_end(library):
    """The group that ends exactly when the window does belongs to it."""
    data, groupdq = np.zeros((1, 5, 1, 1), np.float32), np.zeros((1, 5, 1, 1), np.uint8)
    groupdq[0, 1:, 0, 0] = dq.SATURATED
    out = library.run(flag_windows, data, groupdq, library.run(no_windows, data), covers=covers([1, 2, 3, 4, 5], 2))
    np.testing.assert_array_equal((out.groupdq[0, :, 0, 0] & dq.PERSISTENCE) != 0, [0, 1, 1, 1, 0])


def test_wrong_number_of_groups():
    data = np.zeros((1, 2, 1, 1), np.float32)
    with pytest.raises(ValueError, match="found 3 groups, expected 2"):
        flag_windows(data, data.astype(np.uint8), no_windows(data), covers=[0, 1, 2])


@given(st.integers(1, 100), st.integers(1, 100), st.randoms(use_true_random=False))
def test_a_longer_window_flags_no_less(shorter, longer, random):
    rng = np.random.default_rng(random.randrange(1000))
    groupdq = np.cumsum(rng.random((2, 4, 2, 3)) < 0.2, axis=1).clip(0, 1).astype(np.uint8) * dq.SATURATED
    data, times = np.zeros(groupdq.shape, np.float32), [float(t) for t in range(0, 80, 10)]
    few, many = (
        flag_windows(data, groupdq, no_windows(data), covers=covers(times, seconds)).groupdq
        for seconds in sorted((shorter, longer))
    )
    assert ((few & many) == few).all()
    assert ((few & groupdq) == groupdq).all()
