import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpipe.rscd.group_skips import GroupSkips, find_skips

TABLE = [
    ("FULL", "FASTR1", 2, 4),
    ("FULL", "SLOWR1", 1, 3),
    ("SLITLESSPRISM", "FASTR1", 5, 6),
    ("FULL", "FASTR1", 9, 9),
]


@pytest.mark.parametrize(
    ("subarray", "readpatt", "expected"),
    [
        ("FULL", "FASTR1", GroupSkips(2, 4)),
        ("FULL", "SLOWR1", GroupSkips(1, 3)),
        ("SUBPRISM", "FASTR1", GroupSkips(5, 6)),
        ("subprism", "FASTR1", GroupSkips(5, 6)),
        ("full", "FASTR1", None),
        ("SUB64", "FASTR1", None),
    ],
)
def test_the_row_of_subarray_and_read_pattern(subarray, readpatt, expected):
    assert find_skips(TABLE, subarray, readpatt) == expected


@pytest.mark.parametrize(
    ("groups", "expected"),
    [(3, (0, 0)), (4, (1, 1)), (5, (1, 1)), (6, (2, 3)), (7, (2, 4)), (8, (2, 5)), (9, (2, 6)), (10, (2, 6))],
)
def test_short_integrations_leave_out_less(groups, expected):
    assert GroupSkips(2, 6).limited_to(groups) == GroupSkips(*expected)


@given(st.integers(0, 100), st.integers(0, 100), st.integers(4, 120))
def test_at_least_three_groups_remain(first, later, groups):
    limited = GroupSkips(first, later).limited_to(groups)
    assert max(limited.first, limited.later) <= groups - 3
