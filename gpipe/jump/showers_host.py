"""Showers: large areas of faint light. Works on the host: see ``events_host``."""

from dataclasses import dataclass

import numpy as np

from gpipe import dq
from gpipe.jump.events_host import Ellipse, events, filled


@dataclass(frozen=True, kw_only=True)
class ShowerSettings:
    """Which areas are showers, and how far their flags reach.

    Attributes
    ----------
    min_area : pixels of the smallest area, enclosed pixels included.
    expand_ratio : how much larger than the area the flagged ellipse is.
    max_axis : pixels, longest axis of anything that is drawn.
    later_groups : groups after it that are flagged, too.
    """

    min_area: float
    expand_ratio: float
    max_axis: float
    later_groups: int


@dataclass(frozen=True)
class Showers:
    """What ``flag_showers`` found: new flags, uint8 (integration, group, row, column), and how many there are."""

    groupdq: np.ndarray
    count: int


def flag_showers(groupdq: np.ndarray, light: np.ndarray, settings: ShowerSettings) -> Showers:
    """Flag ellipses around large areas of light as jumps, in their group and some after it.

    Parameters
    ----------
    groupdq : uint8, (integration, group, row, column). From the group on where a pixel is SATURATED it gets no flag.
    light : bool, of the same shape, from `faint_light`. An area is a connected group of pixels, diagonals included.

    Notes
    -----
    Source: https://jwst-pipeline.readthedocs.io/en/latest/jwst/jump/description.html#large-events
    """
    flags = groupdq.copy()
    count = 0
    for i, group in np.ndindex(*light.shape[:2]):
        later = flags[i, group : group + settings.later_groups + 1]
        areas = events(light[i, group], settings.min_area)
        for area in areas:
            _flag(later, area.grown(settings.expand_ratio, settings.max_axis))
        count += len(areas)
    return Showers(flags, count)


def _flag(flags: np.ndarray, ellipse: Ellipse) -> None:
    """Flag an ellipse in all groups of ``flags`` (group, row, column), in place."""
    patch = filled(ellipse, flags.shape[1:])
    if patch is not None:
        inside = flags[:, patch.rows, patch.columns]
        saturated = np.logical_or.accumulate((inside & dq.SATURATED) != 0, axis=0)
        inside[patch.mask & ~saturated] |= dq.JUMP_DET
