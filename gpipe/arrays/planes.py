"""Planes that belong to the groups of an integration."""

from collections.abc import Sequence

from array_api_compat import array_namespace

from gpipe.arrays.rows import row_slices
from gpipe.arrays.types import Array

CACHED_SAMPLES = 1 << 18


def subtract_from_groups(data: Array, planes: Sequence[Array]) -> Array:
    """``data[i, g] - planes[i][g]``; groups after those of the planes stay as they are.

    Parameters
    ----------
    data : float32, (integration, group, row, column).
    planes : for each integration, float32, (group, row, column), of at most as many groups as the data have.
    """
    different = {id(plane): plane for plane in planes}
    xp = array_namespace(data, *different.values())
    subtracted = xp.empty_like(data)
    for i, plane in enumerate(planes):
        groups = plane.shape[0]
        for rows in row_slices(plane, pixels=max(1, CACHED_SAMPLES // max(groups, 1))):
            subtracted[i, :groups, rows, :] = data[i, :groups, rows, :] - plane[:, rows, :]
        subtracted[i, groups:, ...] = data[i, groups:, ...]
    return subtracted
