"""Rows of a table that are for an exposure."""

from collections.abc import Mapping, Sequence
from typing import Any


def matching_rows(columns: Mapping[str, Sequence[Any]], wanted: Mapping[str, Any]) -> list[int]:
    """Find the rows that have the wanted value in each of the wanted columns.

    Parameters
    ----------
    columns : the table, by name of the column. Texts are compared without their case and the blanks around them.
    wanted : values by name of the column, one or more.
    """
    pairs = [([_comparable(value) for value in columns[name]], _comparable(value)) for name, value in wanted.items()]
    return [row for row in range(len(pairs[0][0])) if all(column[row] == value for column, value in pairs)]


def _comparable(value: Any) -> Any:
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
    return text.strip().upper() if isinstance(text, str) else text
