"""Flag the groups after large jumps, while a transient decays."""

from collections.abc import Sequence
from dataclasses import dataclass

from array_api_compat import array_namespace

from gpipe import dq
from gpipe.arrays import Array, Namespace
from gpipe.jump.differences import UNUSABLE


@dataclass(frozen=True, kw_only=True)
class AfterJump:
    """Jumps of at least ``dn`` DN also flag the next ``groups`` groups."""

    dn: float
    groups: int


def flag_after_jumps(groupdq: Array, large: Sequence[Array], groups: Sequence[int]) -> Array:
    """Add JUMP_DET to the groups that follow large jumps.

    DO_NOT_USE and SATURATED samples are left as they are.

    Parameters
    ----------
    groupdq : uint8, (integration, group, row, column).
    large : one or more bool, (integration, group - 1, row, column): where the difference to the group before is large
        enough; a jump is one where ``groupdq`` has JUMP_DET.
    groups : for each of ``large``, how many groups to flag.
    """
    xp = array_namespace(groupdq, *large)
    return xp.stack(
        [_one_integration(groupdq[i, ...], [x[i, ...] for x in large], groups, xp) for i in range(groupdq.shape[0])]
    )


def _one_integration(groupdq: Array, large: Sequence[Array], groups: Sequence[int], xp: Namespace) -> Array:
    later = groupdq[1:, ...]
    jumps = (later & dq.JUMP_DET) != 0
    reached = xp.zeros_like(jumps)
    for mask, reach in zip(large, groups, strict=True):
        reached = reached | _lengthen(mask & jumps, reach, xp)
    reached = reached & ((later & UNUSABLE) == 0)
    return xp.concat([groupdq[:1, ...], later | xp.astype(reached, xp.uint8) * dq.JUMP_DET])


def _lengthen(mask: Array, groups: int, xp: Namespace) -> Array:
    """Repeat what is true in the next ``groups`` planes, in steps that double."""
    reached = 0
    while reached < min(groups, mask.shape[0] - 1):
        step = min(reached + 1, groups - reached, mask.shape[0] - 1)
        mask = xp.concat([mask[:step, ...], mask[step:, ...] | mask[:-step, ...]])
        reached += step
    return mask
