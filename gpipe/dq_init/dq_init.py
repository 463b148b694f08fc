"""First flags of an exposure: known properties of every pixel of the detector."""

from dataclasses import dataclass

from array_api_compat import array_namespace

from gpipe import dq
from gpipe.arrays import Array


@dataclass(frozen=True)
class Flags:
    """Flags of pixels, uint32 (row, column), and of samples, uint8 (integration, group, row, column)."""

    pixeldq: Array
    groupdq: Array


def join_flags(pixeldq: Array, groupdq: Array, mask: Array, *, user_mask: Array | None = None) -> Flags:
    """Give every pixel the flags of the bad-pixel mask; no group of a pixel that is DO_NOT_USE may be used.

    Parameters
    ----------
    pixeldq : uint32, (row, column).
    groupdq : uint8, (integration, group, row, column).
    mask : uint32, (row, column): flags of the MASK reference.
    user_mask : uint32, (row, column): flags that the user adds to the mask.

    Flags that ``pixeldq`` alone holds do not reach ``groupdq``.

    Source: https://jwst-pipeline.readthedocs.io/en/latest/jwst/dq_init/description.html
    """
    xp = array_namespace(pixeldq, groupdq, mask, user_mask)
    known = mask if user_mask is None else mask | user_mask
    unusable = xp.astype(known & dq.DO_NOT_USE, groupdq.dtype)
    return Flags(pixeldq=pixeldq | known, groupdq=groupdq | unusable)
