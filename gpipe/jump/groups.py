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
    """Where the pixels of all groups of some size are, and of which group each is.

    For libraries whose shapes may depend on values. Only flagged pixels are looked at after ``label``: of an image
    there are few.

    Parameters
    ----------
    flagged : bool, (row, column).
    least_area : pixels of the smallest group.
    label : of ``scipy.ndimage``, or what stands for it: gives groups their numbers, 1, 2, … in the order of their first
        pixels, in an image of this shape with 0 elsewhere, and how many there are.

    Returns
    -------
    Integers, (pixel,): ascending places in the flattened image, and the numbers of the groups.
    """
    xp = array_namespace(flagged)
    labels, count = label(flagged, EIGHT_NEIGHBOURS)
    place = xp.nonzero(xp.reshape(flagged, (-1,)))[0]
    group = xp.take(xp.reshape(labels, (-1,)), place)
    if count > 0:
        large = xp.take(xp.unique_counts(group).counts >= least_area, group - 1)
        place, group = place[large], group[large]
    return place, group
