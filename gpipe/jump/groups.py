"""The pixels of connected groups, once something has numbered the groups."""

from collections.abc import Callable
from typing import Any

from array_api_compat import array_namespace

from gpipe.arrays import Array

EIGHT_NEIGHBOURS = ((True,) * 3,) * 3
"""Pixels that are connected with the one in the middle."""


def pixels_of_groups(
    flagged: Array, least_area: float, *, label: Callable[[Array, Any], tuple[Array, int]]
) -> tuple[Array, Array]:
    """Find the pixels of all groups of some least size, and the group of each pixel.

    For libraries whose shapes may depend on values. After ``label`` only the flagged pixels, which are few, are read.

    Parameters
    ----------
    flagged : bool, (row, column).
    least_area : pixels of the smallest group.
    label : as in ``scipy.ndimage``: returns an image of this shape with the numbers of groups, 1, 2, … in the order of
        their first pixels, and 0 elsewhere; and the number of groups.

    Returns
    -------
    Integers, (pixel,): ascending indices into the flattened image, and the numbers of the groups.
    """
    xp = array_namespace(flagged)
    labels, count = label(flagged, EIGHT_NEIGHBOURS)
    place = xp.nonzero(xp.reshape(flagged, (-1,)))[0]
    group = xp.take(xp.reshape(labels, (-1,)), place)
    if count > 0:
        large = xp.take(xp.unique_counts(group).counts >= least_area, group - 1)
        place, group = place[large], group[large]
    return place, group
