"""Flag the neighbours of strong jumps, which charge migration and capacitive coupling spread to."""

import array_api_extra as xpx
from array_api_compat import array_namespace

from gpipe import dq
from gpipe.arrays import Array, Namespace
from gpipe.jump.differences import UNUSABLE


def flag_neighbours(groupdq: Array, strong: Array) -> Array:
    """Add JUMP_DET to the four neighbours, in the same group, of pixels with a strong jump.

    DO_NOT_USE and SATURATED samples are left as they are.

    Parameters
    ----------
    groupdq : uint8, (integration, group, row, column).
    strong : bool, (integration, group - 1, row, column): where the difference to the group before is such that a jump
        spreads; it does from where ``groupdq`` has JUMP_DET.
    """
    xp = array_namespace(groupdq, strong)
    return xp.stack([_one_integration(groupdq[i, ...], strong[i, ...], xp) for i in range(groupdq.shape[0])])


def _one_integration(groupdq: Array, strong: Array, xp: Namespace) -> Array:
    later = groupdq[1:, ...]
    reached = _cross(strong & ((later & dq.JUMP_DET) != 0), xp) & ((later & UNUSABLE) == 0)
    return xp.concat([groupdq[:1, ...], later | xp.astype(reached, xp.uint8) * dq.JUMP_DET])


def _cross(mask: Array, xp: Namespace) -> Array:
    """Grow by one pixel up, down, left and right."""
    edge = ((0, 0), (1, 1), (1, 1))
    wide = xpx.pad(mask, edge, xp=xp)
    rows, columns = wide[:, :, 1:-1], wide[:, 1:-1, :]
    return mask | rows[:, :-2, :] | rows[:, 2:, :] | columns[:, :, :-2] | columns[:, :, 2:]
