"""The first group of an integration is unlike the others."""

from dataclasses import dataclass

from array_api_compat import array_namespace

from gpipe import dq
from gpipe.arrays import Array

THIRD = 2


@dataclass(frozen=True)
class FirstGroupFlagged:
    """Result of ``flag_first_group``.

    Attributes
    ----------
    groupdq : uint8, (integration, group, row, column).
    pixeldq : uint32, (row, column).
    kept_pixels : pixels that keep the first group of some integration and are not DO_NOT_USE; integers, (row,).
    """

    groupdq: Array
    pixeldq: Array
    kept_pixels: Array


def flag_first_group(groupdq: Array, pixeldq: Array, *, bright_use_group1: bool) -> FirstGroupFlagged:
    """Flag the first group of every integration DO_NOT_USE.

    Parameters
    ----------
    groupdq : uint8, (integration, group, row, column); at least three groups.
    pixeldq : uint32, (row, column).
    bright_use_group1 : leave the first group of an integration to pixels that are SATURATED in its third, which would
        have a single group otherwise; they are flagged FLUX_ESTIMATED.

    Returns
    -------
    New arrays. Data and errors are unaffected by this step. Pixels do not know of each other; for FLUX_ESTIMATED all
    integrations of a pixel count.

    Source: https://jwst-pipeline.readthedocs.io/en/latest/jwst/firstframe/description.html
    """
    xp = array_namespace(groupdq, pixeldq)
    first, third = groupdq[:, :1, ...], groupdq[:, THIRD : THIRD + 1, ...]
    keeps = (third & (dq.SATURATED if bright_use_group1 else 0)) != 0
    flagged = xp.where(keeps, first, first | dq.DO_NOT_USE)
    kept = xp.any(keeps, axis=(0, 1))
    return FirstGroupFlagged(
        groupdq=xp.concat((flagged, groupdq[:, 1:, ...]), axis=1),
        pixeldq=xp.where(kept, pixeldq | dq.FLUX_ESTIMATED, pixeldq),
        kept_pixels=xp.count_nonzero(kept & ((pixeldq & dq.DO_NOT_USE) == 0), axis=-1),
    )
