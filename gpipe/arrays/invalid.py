"""Pixels of which some array is of no use."""

from collections.abc import Sequence

from array_api_compat import array_namespace

from gpipe import dq
from gpipe.arrays.types import Array


def sync_invalid(flags: Array, *planes: Array | None) -> tuple[Array, Sequence[Array | None]]:
    """Make a pixel that is invalid in one array invalid in all: NaN in each plane, and DO_NOT_USE in its flags.

    Parameters
    ----------
    flags : uint32, DQ. A pixel with DO_NOT_USE is invalid.
    planes : float32 of the same shape: science values, errors, variances. A pixel that is NaN in one of them is
        invalid. None stays None.
    """
    xp = array_namespace(flags)
    invalid = (flags & dq.DO_NOT_USE) != 0
    for plane in planes:
        if plane is not None:
            invalid = invalid | xp.isnan(plane)
    marked = flags | xp.astype(invalid, flags.dtype) * dq.DO_NOT_USE
    return marked, [None if plane is None else xp.where(invalid, xp.nan, plane) for plane in planes]
