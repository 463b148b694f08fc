"""Groups at both ends of integrations that no pixel can use, as MIRI has them, and are cut off before the fit."""

from collections.abc import Sequence

from array_api_compat import array_namespace

from gpipe.arrays import Array

FEWEST_GROUPS = 2


def dead_groups(rows: Array) -> Array:
    """Find the groups that are DO_NOT_USE in all pixels of all integrations: bool, (group,).

    Parameters
    ----------
    rows : bool, (integration, group, row), of ``unusable_rows``.
    """
    return array_namespace(rows).all(rows, axis=(0, 2))


def living_groups(dead: Sequence[bool]) -> slice | None:
    """The groups that are left without dead ones at the beginning and one at the end; None if they are too few."""
    first = next((k for k, is_dead in enumerate(dead) if not is_dead), len(dead))
    stop = len(dead) - 1 if dead[-1] else len(dead)
    return slice(first, stop) if stop - first >= FEWEST_GROUPS else None
