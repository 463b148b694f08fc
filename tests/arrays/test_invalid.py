import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gpipe import dq
from gpipe.arrays.invalid import sync_invalid

SHAPE = (2, 3, 4)
VALUES = hnp.arrays(np.float32, SHAPE, elements=st.sampled_from([np.nan, np.inf, -1.0, 0.0, 2.0]))
FLAGS = hnp.arrays(np.uint32, SHAPE, elements=st.sampled_from([0, dq.DO_NOT_USE, dq.SATURATED, 2**32 - 1]))


@pytest.mark.parametrize("absent", [False, True])
def test_against_a_loop(library, rng, absent):
    planes = [np.where(rng.random(SHAPE) < 0.2, np.nan, rng.normal(size=SHAPE)).astype(np.float32) for _ in range(3)]
    flags = rng.choice(np.array([0, 0, 0, dq.DO_NOT_USE, dq.HOT], np.uint32), SHAPE)
    marked, found = library.run(sync_invalid, flags, *planes, *[None] * absent)
    assert (found[-1] is None) == absent
    assert {marked.dtype, *(plane.dtype for plane in found[:3])} == {np.dtype(np.uint32), np.dtype(np.float32)}
    for pixel in np.ndindex(SHAPE):
        invalid = flags[pixel] & dq.DO_NOT_USE or any(np.isnan(plane[pixel]) for plane in planes)
        assert marked[pixel] == flags[pixel] | (dq.DO_NOT_USE if invalid else 0)
        for plane, result in zip(planes, found, strict=False):
            np.testing.assert_array_equal(result[pixel], np.float32(np.nan) if invalid else plane[pixel])


@given(FLAGS, VALUES, VALUES)
def test_nothing_is_left_to_do(flags, one, other):
    once = sync_invalid(flags, one, other)
    again = sync_invalid(once[0], *once[1])
    np.testing.assert_array_equal(once[0], again[0])
    np.testing.assert_array_equal(once[1], again[1])
    np.testing.assert_array_equal(np.isnan(once[1][0]), (once[0] & dq.DO_NOT_USE) != 0)
