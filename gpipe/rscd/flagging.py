"""Flags of groups that the decay after a reset disturbs."""

from dataclasses import dataclass

from array_api_compat import array_namespace, device

from gpipe import dq
from gpipe.arrays import Array, Namespace
from gpipe.rscd.group_skips import GroupSkips


@dataclass(frozen=True)
class Bright:
    """Pixels that saturate so early that fewer groups are left out; integers, (row,).

    Attributes
    ----------
    lowered : pixels with fewer groups left out in some integration.
    first_kept : pixels with none left out in some integration.
    """

    lowered: Array
    first_kept: Array


@dataclass(frozen=True)
class Flagged:
    """Result of ``flag_decay``.

    Attributes
    ----------
    groupdq : uint8, (integration, group, row, column).
    pixeldq : uint32, (row, column).
    first, later : bright pixels of the first integration of the exposure and of all later ones; None if the
        arrays hold no such integration.
    """

    groupdq: Array
    pixeldq: Array
    first: Bright | None
    later: Bright | None


def flag_decay(groupdq: Array, pixeldq: Array, skips: GroupSkips, *, starts_exposure: bool = True) -> Flagged:
    """Flag the first groups of every integration DO_NOT_USE, fewer of them in pixels that saturate early.

    A pixel that saturates from group ``s`` (counted from 0) on, later than the first one, keeps groups ``s - 2`` and
    ``s - 1``, or the first group if that is the only one: of ``n`` groups to leave out, ``min(n, max(s - 2, 0))`` are.
    If that is fewer than ``n``, the pixel is flagged FLUX_ESTIMATED.

    Parameters
    ----------
    groupdq : uint8, (integration, group, row, column). SATURATED lasts to the end of an integration, as the saturation
        step flags it.
    pixeldq : uint32, (row, column).
    skips : groups to leave out; at least two more in an integration.
    starts_exposure : True if the first integration is the first of the exposure; False for later segments.

    Returns
    -------
    New arrays. Data and errors are unaffected by this step. Each pixel is flagged independently, FLUX_ESTIMATED from
    all its integrations.

    Source: https://jwst-pipeline.readthedocs.io/en/latest/jwst/rscd/description.html
    """
    xp = array_namespace(groupdq, pixeldq)
    flagged = xp.empty_like(groupdq)
    bright: list[Bright | None] = []
    firsts = 1 if starts_exposure else 0
    for part, skip in ((slice(0, firsts), skips.first), (slice(firsts, None), skips.later)):
        flags = groupdq[part, ...]
        if flags.shape[0] == 0:
            bright.append(None)
            continue
        left_out = _left_out(flags, skip, xp=xp)
        flagged[part, :skip, ...] = flags[:, :skip, ...] | _unusable(left_out, skip, flags, xp=xp)
        flagged[part, skip:, ...] = flags[:, skip:, ...]
        lowered = left_out < skip
        pixels = xp.any(lowered, axis=0)
        none_left_out = xp.any(lowered & (left_out == 0), axis=0)
        bright.append(Bright(*(xp.count_nonzero(found, axis=-1) for found in (pixels, none_left_out))))
        pixeldq = xp.where(pixels, pixeldq | dq.FLUX_ESTIMATED, pixeldq)
    return Flagged(flagged, pixeldq, *bright)


def _left_out(groupdq: Array, skip: int, *, xp: Namespace) -> Array:
    """Count the groups that each pixel leaves out; integers of few bytes, (integration, row, column)."""
    saturated = xp.astype((groupdq[:, : skip + 2, ...] & dq.SATURATED) != 0, xp.uint8 if skip < 0xFF - 1 else xp.int32)
    late = xp.sum(saturated[:, 1:, ...], axis=1, dtype=saturated.dtype)
    return skip - xp.clip(late, max=skip) * (1 - saturated[:, 0, ...])


def _unusable(left_out: Array, skip: int, groupdq: Array, *, xp: Namespace) -> Array:
    """DO_NOT_USE in the groups that each pixel leaves out; (integration, group, row, column)."""
    numbers = xp.arange(skip, dtype=left_out.dtype, device=device(left_out))[:, None, None]
    return xp.astype(numbers < left_out[:, None, ...], groupdq.dtype) * dq.DO_NOT_USE
