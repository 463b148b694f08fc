"""Offsets of the image between filters."""

from collections.abc import Mapping, Sequence
from typing import Any

NOT_GIVEN = "N/A"


class AmbiguousRows(Exception):  # noqa: N818 - the step tells it with the name of the file
    """Raised if more than one row of a table is for an exposure."""


def filter_offset(
    rows: Sequence[Mapping[str, Any]], wanted: Mapping[str, Any], *, first: bool = False
) -> tuple[float, float] | None:
    """Find the offset (column, row) in pixels of an exposure's filter; None if no row is for it, or gives none.

    Parameters
    ----------
    rows : with ``column_offset``, ``row_offset`` and the keys of ``wanted``.
    wanted : values that must be equal, of ``filter`` and ``pupil``.
    first : take the first of several rows.

    Raises
    ------
    AmbiguousRows
        There are several rows, and not the first is to be taken.
    KeyError
        A row lacks a key of ``wanted``.
    """
    found = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    if len(found) > 1 and not first:
        raise AmbiguousRows(f"{len(found)} rows for {' '.join(map(str, wanted.values()))}")
    if not found:
        return None
    column, row = (found[0].get(key, NOT_GIVEN) for key in ("column_offset", "row_offset"))
    return None if NOT_GIVEN in (column, row) or None in (column, row) else (float(column), float(row))
