"""Planes of a reference that belong to the groups of an integration."""

from collections.abc import Sequence
from dataclasses import dataclass

from array_api_compat import array_namespace

from gpipe.arrays.rows import row_slices
from gpipe.arrays.types import Array

CACHED_SAMPLES = 1 << 18


@dataclass(frozen=True)
class PlanesSubtracted:
    """Ramps less planes of a reference: new arrays; errors are unaffected.

    Attributes
    ----------
    data : float32, (integration, group, row, column), DN.
    pixeldq : uint32, (row, column).
    """

    data: Array
    pixeldq: Array


def subtract_planes(data: Array, pixeldq: Array, planes: Sequence[Array], planes_dq: Array) -> PlanesSubtracted:
    """Subtract planes of a reference from the groups of each integration, and take over the reference's flags.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN. NaN stays NaN.
    pixeldq : uint32, (row, column).
    planes : for each integration, float32, (group, row, column), DN, no NaN; of at most as many groups as the data.
    planes_dq : uint32, (row, column).

    Notes
    -----
    out[i, g] = data[i, g] - planes[i][g]; pixeldq | planes_dq.
    """
    return PlanesSubtracted(subtract_from_groups(data, planes), pixeldq | planes_dq)


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


def matching_integrations(count: int, *, start: int | None, available: int) -> list[int]:
    """Find for each integration of an exposure that of a reference, from 0: its own, after the last one the last one.

    Parameters
    ----------
    count : integrations of the exposure.
    start : number, from 1, that its first integration has in the whole observation; None for 1.
    available : integrations of the reference.
    """
    first = (start or 1) - 1
    return [min(first + i, available - 1) for i in range(count)]
