"""The four neighbours of strong jumps, which share some of their charge."""

from dataclasses import dataclass

import array_api_extra as xpx
from array_api_compat import array_namespace

from gpipe.arrays import Array


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """Jumps between ``least`` and ``most`` sigma, both excluded, also flag the four neighbours of their pixel."""

    least: float
    most: float


def rows_around(mask: Array) -> tuple[Array, Array, Array]:
    """The mask of the row before, of the row itself and of the row after: three times (…, row, column)."""
    xp = array_namespace(mask)
    wide = xpx.pad(mask, [(0, 0)] * (mask.ndim - 2) + [(1, 1), (0, 0)], xp=xp)
    return wide[..., :-2, :], wide[..., 1:-1, :], wide[..., 2:, :]


def neighbours(before: Array, mask: Array, after: Array) -> Array:
    """Mark the pixels that are true or have a true one among their four neighbours; bool, (…, row, column).

    Parameters
    ----------
    before, mask, after : bool, (…, row, column), from ``rows_around``, or the same rows of each.
    """
    xp = array_namespace(before, mask, after)
    wide = xpx.pad(mask, [(0, 0)] * (mask.ndim - 1) + [(1, 1)], xp=xp)
    return before | mask | after | wide[..., :-2] | wide[..., 2:]
