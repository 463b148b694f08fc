"""Planes of a reference that belong to the groups of an integration."""

from collections.abc import Iterable, Sequence
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


@dataclass(frozen=True)
class KnownPlanes:
    """Planes of a reference whose gaps are filled.

    Attributes
    ----------
    planes : float32, (group, row, column), DN; 0 where the reference has NaN.
    unknown : bool, (row, column), pixels of which a sample of the reference is not finite.
    """

    planes: Array
    unknown: Array

    @classmethod
    def packed(cls, packed: Array) -> "KnownPlanes":
        """Planes that are followed by one which is 0 where nothing is unknown: one array, as a cache holds it."""
        return cls(packed[:-1, ...], packed[-1, ...] != 0)


def fill_gaps(planes: Array) -> Array:
    """Planes (group, row, column) with 0 for NaN, packed as `KnownPlanes` unpacks them."""
    xp = array_namespace(planes)
    unknown = xp.any(~xp.isfinite(planes), axis=0, keepdims=True)
    return xp.concat([xp.where(xp.isnan(planes), 0.0, planes), xp.astype(unknown, planes.dtype)])


def with_unknown(planes_dq: Array, planes: Iterable[KnownPlanes], bit: int) -> Array:
    """The flags of a reference, uint32 (row, column), and a bit where one of the planes is unknown."""
    xp = array_namespace(planes_dq)
    for each in planes:
        planes_dq = planes_dq | xp.astype(each.unknown, planes_dq.dtype) * bit
    return planes_dq


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
