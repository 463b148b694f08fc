import numpy as np
from hypothesis import given
from hypothesis.extra import numpy as hnp

from gpipe import dq
from gpipe.dq_init.dq_init import join_flags

FLAGS = hnp.arrays(np.uint32, (3, 4))


def masks(rng):
    values = np.array([0, dq.DO_NOT_USE, dq.DEAD, dq.DO_NOT_USE | dq.HOT, dq.REFERENCE_PIXEL], dtype=np.uint32)
    return rng.choice(values, (5, 6)), rng.choice(values, (5, 6))


def test_flags_against_a_loop(library, rng):
    pixeldq, mask = masks(rng)
    groupdq = rng.choice(np.array([0, dq.SATURATED, dq.JUMP_DET], dtype=np.uint8), (2, 3, 5, 6))
    out = library.run(join_flags, pixeldq, groupdq, mask)
    assert (out.pixeldq.dtype, out.groupdq.dtype) == (np.uint32, np.uint8)
    for y in range(5):
        for x in range(6):
            assert out.pixeldq[y, x] == int(pixeldq[y, x]) | int(mask[y, x])
            extra = 1 if mask[y, x] & 1 else 0
            np.testing.assert_array_equal(out.groupdq[:, :, y, x], groupdq[:, :, y, x] | np.uint8(extra))


def test_user_flags_join_the_mask(library, rng):
    mask, user = masks(rng)
    zero = np.zeros((5, 6), dtype=np.uint32)
    ramp_flags = np.zeros((1, 2, 5, 6), dtype=np.uint8)
    together = library.run(join_flags, zero, ramp_flags, mask, user_mask=user)
    joined = library.run(join_flags, zero, ramp_flags, mask | user)
    np.testing.assert_array_equal(together.pixeldq, joined.pixeldq)
    np.testing.assert_array_equal(together.groupdq, joined.groupdq)


def test_flags_of_the_exposure_alone_stop_no_group(library):
    zero = np.zeros((2, 2), dtype=np.uint32)
    out = library.run(join_flags, zero | dq.DO_NOT_USE, np.zeros((1, 1, 2, 2), dtype=np.uint8), zero)
    assert not out.groupdq.any()


@given(FLAGS, FLAGS)
def test_joining_twice_changes_nothing(pixeldq, mask):
    once = join_flags(pixeldq, np.zeros((1, 2, 3, 4), dtype=np.uint8), mask)
    twice = join_flags(once.pixeldq, once.groupdq, mask)
    np.testing.assert_array_equal(once.pixeldq, twice.pixeldq)
    np.testing.assert_array_equal(once.groupdq, twice.groupdq)
