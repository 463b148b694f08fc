"""The kernel that leaves out the first groups of integrations beside the portable function: equal flags."""

import numpy as np
import pytest
from helpers.in_c import in_every_variant, kernel
from hypothesis import given, settings
from hypothesis import strategies as st

from gpipe import dq
from gpipe.rscd import flagging
from gpipe.rscd.group_skips import GroupSkips

pytestmark = in_every_variant
flag_decay = kernel(flagging.flag_decay)


def exposure(shape, seed):
    """Flags of any kind; ramps saturate at any group, or never, and stay so."""
    rng = np.random.default_rng(seed)
    start = rng.integers(0, shape[1] + 3, (shape[0], 1, *shape[2:]))
    saturated = np.arange(shape[1])[:, None, None] >= start
    groupdq = np.where(saturated, dq.SATURATED, 0) | rng.integers(0, 256, shape) & ~np.int64(dq.SATURATED)
    return groupdq.astype(np.uint8), rng.integers(0, 1 << 32, shape[2:]).astype(np.uint32)


def assert_same(found, expected):
    np.testing.assert_array_equal(found.groupdq, expected.groupdq, strict=True)
    np.testing.assert_array_equal(found.pixeldq, expected.pixeldq, strict=True)
    for one, other in ((found.first, expected.first), (found.later, expected.later)):
        assert (one is None) == (other is None)
        if other is not None:
            np.testing.assert_array_equal(one.lowered, other.lowered, strict=True)
            np.testing.assert_array_equal(one.first_kept, other.first_kept, strict=True)


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 4), st.integers(8, 12), st.integers(1, 5), st.integers(1, 70)),
    skips=st.builds(GroupSkips, st.integers(0, 6), st.integers(0, 6)),
    starts_exposure=st.booleans(),
    seed=st.integers(0, 1 << 32),
)
def test_flags_of_exposures(shape, skips, starts_exposure, seed):
    given = exposure(shape, seed)
    found = flag_decay(*given, skips, starts_exposure=starts_exposure)
    assert_same(found, flagging.flag_decay(*given, skips, starts_exposure=starts_exposure))


def test_many_groups_left_out():
    """More than a byte counts."""
    given = exposure((2, 400, 2, 9), 1)
    assert_same(flag_decay(*given, GroupSkips(300, 255)), flagging.flag_decay(*given, GroupSkips(300, 255)))


@pytest.mark.parametrize("shape", [(0, 5, 2, 3), (1, 5, 0, 3), (2, 5, 3, 0), (1, 4, 1, 1), (2, 5, 3, 2050)], ids=str)
def test_shapes(shape):
    given = exposure(shape, 3)
    assert_same(flag_decay(*given, GroupSkips(1, 2)), flagging.flag_decay(*given, GroupSkips(1, 2)))


def test_read_only_and_strided():
    groupdq, pixeldq = exposure((3, 9, 8, 12), 2)
    for x in (groupdq, pixeldq):
        x.flags.writeable = False
    cut = groupdq[..., 1::2, 2:], pixeldq[1::2, 2:]
    assert_same(flag_decay(*cut, GroupSkips(2, 4)), flagging.flag_decay(*cut, GroupSkips(2, 4)))
