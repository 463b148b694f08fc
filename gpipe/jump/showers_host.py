"""Showers: large areas of faint light. Ellipses are made on the host: see ``events_host``."""

from dataclasses import dataclass
from itertools import product

from array_api_compat import array_namespace

from gpipe import dq
from gpipe.arrays import Array
from gpipe.jump.events_host import Ellipse, events, filled
from gpipe.jump.groups_host import FindGroups, large_groups
from gpipe.jump.settings import ShowerSettings


@dataclass(frozen=True)
class Showers:
    """Result of ``flag_showers``: new flags, uint8 (integration, group, row, column), and the number of showers."""

    groupdq: Array
    count: int


def flag_showers(
    groupdq: Array, light: Array, settings: ShowerSettings, find_groups: FindGroups = large_groups
) -> Showers:
    """Flag ellipses around large areas of light as jumps, in their group and some after it.

    Parameters
    ----------
    groupdq : uint8, (integration, group, row, column). From the group on where a pixel is SATURATED it gets no flag.
    light : bool, of the same shape, from `faint_light`. An area is a connected group of pixels, diagonals included.
    find_groups : for arrays like ``light``.

    Notes
    -----
    Source: https://jwst-pipeline.readthedocs.io/en/latest/jwst/jump/description.html#large-events
    """
    flags = array_namespace(groupdq).asarray(groupdq, copy=True)
    count = 0
    for i, group in product(*map(range, light.shape[:2])):
        later = slice(group, min(group + settings.later_groups + 1, light.shape[1]))
        areas = events(light[i, group, ...], settings.min_area, find_groups)
        for area in areas:
            _flag(flags, i, later, area.grown(settings.expand_ratio, settings.max_axis))
        count += len(areas)
    return Showers(flags, count)


def _flag(flags: Array, i: int, groups: slice, ellipse: Ellipse) -> None:
    """Flag an ellipse in some groups of an integration, in place."""
    patch = filled(ellipse, flags.shape[2:])
    if patch is None:
        return
    xp = array_namespace(flags)
    place = (i, groups, patch.rows, patch.columns)
    inside = flags[place]
    saturated = xp.cumulative_sum(xp.astype((inside & dq.SATURATED) != 0, xp.int32), axis=0) > 0
    flags[place] = xp.where(patch.mask_like(flags) & ~saturated, inside | dq.JUMP_DET, inside)
