import pytest

from gpipe.assign_wcs.filters import AmbiguousRows, filter_offset

ROWS = [
    {"filter": "F200W", "pupil": "CLEAR", "column_offset": 1, "row_offset": -2.5},
    {"filter": "F200W", "pupil": "MASKRND", "column_offset": 3, "row_offset": 4},
    {"filter": "F444W", "pupil": "CLEAR", "column_offset": "N/A", "row_offset": 4},
    {"filter": "F356W", "pupil": "CLEAR"},
]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"filter": "F200W", "pupil": "CLEAR"}, (1, -2.5)),
        ({"filter": "F200W", "pupil": "MASKRND"}, (3, 4)),
        ({"filter": "F200W", "pupil": "clear"}, None),
        ({"filter": "F444W", "pupil": "CLEAR"}, None),
        ({"filter": "F356W", "pupil": "CLEAR"}, None),
        ({"filter": None, "pupil": "CLEAR"}, None),
    ],
)
def test_a_row_must_match_exactly(wanted, expected):
    assert filter_offset(ROWS, wanted) == expected


def test_of_several_rows_the_first_only_where_that_is_asked_for():
    assert filter_offset(ROWS, {"filter": "F200W"}, first=True) == (1, -2.5)
    with pytest.raises(AmbiguousRows, match="2 rows for F200W"):
        filter_offset(ROWS, {"filter": "F200W"})
    with pytest.raises(KeyError):
        filter_offset([{"filter": "F200W"}], {"filter": "F200W", "pupil": "CLEAR"})
