import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpipe import dq
from gpipe.rscd.flagging import flag_decay
from gpipe.rscd.group_skips import GroupSkips


def slow(groupdq, pixeldq, skips, starts_exposure):
    """Pixel by pixel: as many groups are left out as leave two before saturation."""
    flags, pixels = groupdq.copy(), pixeldq.copy()
    lowered, first_kept = [set(), set()], [set(), set()]
    for i, y, x in np.ndindex(flags.shape[0], *flags.shape[2:]):
        later = i > 0 or not starts_exposure
        skip = skips.later if later else skips.first
        saturated = [g for g in range(flags.shape[1]) if groupdq[i, g, y, x] & dq.SATURATED]
        left_out = skip
        if saturated and saturated[0] > 0:
            left_out = min(skip, max(saturated[0] - 2, 0))
        flags[i, :left_out, y, x] |= dq.DO_NOT_USE
        if left_out < skip:
            pixels[y, x] |= dq.FLUX_ESTIMATED
            lowered[later].add((y, x))
            if left_out == 0:
                first_kept[later].add((y, x))
    return flags, pixels, *([by_row(s, flags.shape[2]) for s in found] for found in (lowered, first_kept))


def by_row(found, rows):
    return [sum(y == row for y, _ in found) for row in range(rows)]


def saturating(rng, shape):
    """Flags of ramps that saturate at any group, or never, and stay so."""
    start = rng.integers(0, shape[1] + 3, (shape[0], 1, *shape[2:]))
    saturated = np.arange(shape[1])[:, None, None] >= start
    return (saturated * dq.SATURATED | rng.integers(0, 2, shape) * dq.JUMP_DET).astype(np.uint8)


@pytest.mark.parametrize("starts_exposure", [True, False])
@pytest.mark.parametrize(
    ("shape", "skips"),
    [
        ((3, 8, 5, 6), (2, 4)),
        ((1, 6, 4, 4), (3, 2)),
        ((2, 3, 1, 9), (0, 0)),
        ((2, 4, 7, 1), (1, 0)),
        ((4, 9, 3, 3), (0, 6)),
    ],
)
def test_against_a_loop(library, rng, shape, skips, starts_exposure):
    groupdq = saturating(rng, shape)
    pixeldq = rng.integers(0, 8, shape[2:]).astype(np.uint32)
    skips = GroupSkips(*skips)
    out = library.run(flag_decay, groupdq, pixeldq, skips, starts_exposure=starts_exposure)
    flags, pixels, lowered, first_kept = slow(groupdq, pixeldq, skips, starts_exposure)
    assert (out.groupdq.dtype, out.pixeldq.dtype) == (np.uint8, np.uint32)
    np.testing.assert_array_equal(out.groupdq, flags)
    np.testing.assert_array_equal(out.pixeldq, pixels)
    has = (starts_exposure, shape[0] > 1 or not starts_exposure)
    for found, exists, *expected in zip((out.first, out.later), has, lowered, first_kept, strict=True):
        assert (found is not None) == exists
        assert not exists or [found.lowered.tolist(), found.first_kept.tolist()] == expected


@pytest.mark.parametrize(("saturates", "left_out"), [(0, 3), (1, 0), (2, 0), (3, 1), (4, 2), (5, 3), (6, 3), (9, 3)])
def test_two_groups_are_left_before_saturation_where_there_are_two(library, saturates, left_out):
    groupdq = np.zeros((1, 8, 2, 2), np.uint8)
    groupdq[:, saturates:, 0, 0] = dq.SATURATED
    out = library.run(flag_decay, groupdq, np.zeros((2, 2), np.uint32), GroupSkips(3, 0))
    flagged = np.count_nonzero(out.groupdq & dq.DO_NOT_USE, axis=(0, 1))
    assert flagged.tolist() == [[left_out, 3], [3, 3]]
    assert out.pixeldq[0, 0] == (dq.FLUX_ESTIMATED if left_out < 3 else 0)
    assert [out.first.lowered.tolist(), out.first.first_kept.tolist()] == [[left_out < 3, 0], [left_out == 0, 0]]


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_more_to_leave_out_flags_more(fewer, extra, seed):
    groupdq = saturating(np.random.default_rng(seed), (2, 12, 2, 2))
    none = np.zeros((2, 2), np.uint32)
    few, many = (flag_decay(groupdq, none, GroupSkips(n, n)).groupdq for n in (fewer, fewer + extra))
    assert np.all(few & ~many == 0)
