"""Groups at the ends that no pixel can use."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpipe.arrays.unusable import unusable_rows
from gpipe.dq import DO_NOT_USE, SATURATED
from gpipe.ramp_fitting.dead_ends import dead_groups, living_groups


def test_a_group_is_dead_if_no_pixel_of_any_integration_can_use_it(library):
    groupdq = np.full((2, 4, 3, 5), SATURATED, np.uint8)
    groupdq[:, [0, 3]] |= DO_NOT_USE
    groupdq[0, 1] |= DO_NOT_USE
    groupdq[1, 3, 2, 2] = 0
    out = library.run(lambda flags: dead_groups(unusable_rows(flags)), groupdq)
    assert out.tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    ("dead", "living"),
    [
        ("1001", slice(1, 3)),
        ("0000", slice(0, 4)),
        ("0011", slice(0, 3)),
        ("1101", None),
        ("1111", None),
        ("0", None),
        ("01", None),
        ("0101", slice(0, 3)),
    ],
)
def test_all_at_the_beginning_and_one_at_the_end_are_cut_off(dead, living):
    assert living_groups([d == "1" for d in dead]) == living


@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_what_is_left_begins_with_a_living_group(dead):
    living = living_groups(dead)
    if living is not None:
        assert not dead[living.start]
        assert all(dead[: living.start])
        assert living.stop - living.start >= 2
