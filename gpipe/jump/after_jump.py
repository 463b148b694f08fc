"""The groups after large jumps, in which a transient decays."""

from dataclasses import dataclass

from array_api_compat import array_namespace

from gpipe.arrays import Array


@dataclass(frozen=True, kw_only=True)
class AfterJump:
    """Jumps of at least ``dn`` DN also flag the next ``groups`` groups."""

    dn: float
    groups: int


def next_groups(jumps: Array, groups: int) -> Array:
    """Mark samples with a jump in their group or in one of the ``groups`` groups before.

    Parameters
    ----------
    jumps : bool, (integration, group, row, column).
    """
    xp = array_namespace(jumps)
    reach = min(groups, jumps.shape[1] - 1)
    reached = 0
    while reached < reach:  # what is marked already doubles the next step
        step = min(reached + 1, reach - reached)
        jumps = xp.concat([jumps[:, :step, ...], jumps[:, step:, ...] | jumps[:, :-step, ...]], axis=1)
        reached += step
    return jumps
