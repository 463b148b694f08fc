"""Problems with references in one line, however many there are."""

from gpipe.controller.references.problems import MOST_LETTERS, in_one_line


def test_an_equal_reason_is_told_once():
    told = in_one_line(["dark: not found: no date", "gain: found 1; expected 2", "mask: not found: no date"])
    assert told == "dark, mask: not found: no date; gain: found 1; expected 2"


def test_a_problem_is_told_as_it_is():
    assert (
        in_one_line(["gain reference a.fits: found 1; expected 2"] * 2) == "gain reference a.fits: found 1; expected 2"
    )
    assert in_one_line(["no colon"]) == "no colon"


def test_many_subjects_are_counted():
    told = in_one_line(f"reference {'x' * 90}{number}.fits: missing" for number in range(40))
    assert told.endswith(", and 36 more: missing")
    assert len(told) < MOST_LETTERS


def test_many_reasons_are_counted():
    told = in_one_line(f"reference {number}: {'y' * 90}{number}" for number in range(40))
    assert told.endswith("; and 31 more")
    assert told.startswith("reference 0: yyy")
    assert len(told) < MOST_LETTERS + 20


def test_a_long_reason_is_cut():
    assert in_one_line([f"dark: {'z' * 5000}"]) == f"dark: {'z' * (MOST_LETTERS // 2)}…"
