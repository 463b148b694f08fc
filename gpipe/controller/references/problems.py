"""Problems with references, told in one line: a mistake in one card of an exposure may concern all of them."""

from collections.abc import Iterable, Sequence
from itertools import accumulate

MOST_LETTERS = 1000
"""Length of a line, some words more or less."""
HALF = MOST_LETTERS // 2


def in_one_line(problems: Iterable[str]) -> str:
    """Join problems of the form ``SUBJECT: REASON``; an equal reason is told once, for all its subjects.

    Returns
    -------
    A line of some `MOST_LETTERS` at most, which says how many subjects and problems it leaves out.
    """
    subjects: dict[str, list[str]] = {}
    for problem in dict.fromkeys(problems):
        subject, _, reason = problem.partition(": ")
        subjects.setdefault(reason, []).append(subject)
    told = [": ".join(filter(None, [_as_many_as_fit(of, ", ", HALF), _cut(reason)])) for reason, of in subjects.items()]
    return _as_many_as_fit(told, "; ", MOST_LETTERS)


def _as_many_as_fit(texts: Sequence[str], separator: str, most: int) -> str:
    """Join texts up to a length; the first is told in any case."""
    lengths = accumulate(len(text) + len(separator) for text in texts)
    count = max(1, sum(length <= most for length in lengths))
    more = [f"and {len(texts) - count} more"] if count < len(texts) else []
    return separator.join([*texts[:count], *more])


def _cut(reason: str) -> str:
    return reason if len(reason) <= HALF else f"{reason[:HALF]}…"
