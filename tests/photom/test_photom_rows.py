import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gpipe.photom.rows import matching_rows

COLUMNS = {"filter": ["F1", "f2 ", "F2"], "pupil": np.array([b"CLEAR", b"CLEAR", b"F1"]), "order": [1, 2, 1]}


def test_rows_are_found_whatever_the_case():
    assert matching_rows(COLUMNS, {"filter": "F2"}) == [1, 2]
    assert matching_rows(COLUMNS, {"filter": " f2", "pupil": "clear"}) == [1]
    assert matching_rows(COLUMNS, {"filter": "F2", "order": 1}) == [2]


def test_no_row_is_for_an_element_that_is_not_told():
    assert matching_rows(COLUMNS, {"filter": "F1", "pupil": None}) == []
    assert matching_rows(COLUMNS, {"filter": "F3"}) == []


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy")), min_size=1), st.sampled_from("aB"))
def test_against_a_loop(rows, wanted):
    columns = {"one": [one for one, _ in rows], "other": [other for _, other in rows]}
    expected = [k for k, (one, other) in enumerate(rows) if one == wanted.lower() and other == "x"]
    assert matching_rows(columns, {"one": wanted, "other": "X"}) == expected
