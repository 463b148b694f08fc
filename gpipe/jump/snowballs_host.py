"""Snowballs: large, round jumps with a saturated core. Ellipses are made on the host: see ``events_host``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from gpipe import dq
from gpipe.arrays import Array
from gpipe.jump.events_host import Ellipse, events, filled, with_some_inside
from gpipe.jump.groups_host import FindGroups, large_groups
from gpipe.jump.settings import SnowballSettings


@dataclass(frozen=True)
class Snowballs:
    """Result of ``flag_snowballs``: new flags, uint8 (integration, group, row, column), and the number of snowballs."""

    groupdq: Array
    count: int


def flag_snowballs(groupdq: Array, settings: SnowballSettings, find_groups: FindGroups = large_groups) -> Snowballs:
    """Flag the surroundings of large events as jumps, and grow their saturated cores.

    In each group, an event is a connected group of pixels with JUMP_DET. It is a snowball if pixels that saturate in
    this group or the next lie in its ellipse, or if it is near the edge. Pixels of the grown ellipse that are not
    saturated get JUMP_DET; those of a grown core get SATURATED, and no other flag, from this group to the last one.

    Parameters
    ----------
    groupdq : uint8, (integration, group, row, column), with JUMP_DET only where neither SATURATED nor DO_NOT_USE are.
    find_groups : for arrays like ``groupdq``.

    Notes
    -----
    Source: https://jwst-pipeline.readthedocs.io/en/latest/jwst/jump/description.html#large-events
    """
    search = _Search(groupdq, settings, find_groups)
    integrations, groups = groupdq.shape[:2]
    count = sum(search.flag_group(i, group) for i in range(integrations) for group in range(1, groups))
    search.flag_next_integrations()
    return Snowballs(search.flags, count)


class _Search:
    """Goes through the groups of an exposure in the order of time, and changes its own ``flags``."""

    def __init__(self, groupdq: Array, settings: SnowballSettings, find_groups: FindGroups) -> None:
        self._xp = array_namespace(groupdq)
        self.flags = self._xp.asarray(groupdq, copy=True)
        self._settings, self._find_groups = settings, find_groups
        self._frame = groupdq.shape[2:]
        self._cores = np.zeros((groupdq.shape[0], *self._frame), bool)

    def flag_group(self, i: int, group: int) -> int:
        """Flag the snowballs of a group, and their cores from there on. Returns their number."""
        settings = self._settings
        jumps = self._events((self.flags[i, group, ...] & dq.JUMP_DET) != 0, settings.min_jump_area)
        if settings.sat_required:
            saturating = self._saturating(i, group)
            following = self._saturating(i, group + 1) if jumps and group + 1 < self.flags.shape[1] else []
            jumps = _with_cores(jumps, [*saturating, *following], self._frame, settings)
            self._grow_cores(i, group, saturating)
        for jump in jumps:
            self._flag_around(i, group, jump.grown(settings.expand_factor, settings.max_axis))
        return len(jumps)

    def flag_next_integrations(self) -> None:
        """Flag the first groups of each integration where cores were in the one before."""
        last = min(self._settings.next_integration_groups, self.flags.shape[1])
        for i in np.flatnonzero(self._cores[:-1].any(axis=(1, 2))).tolist() if last else []:
            core = self._xp.asarray(self._cores[i], device=device(self.flags))
            self._add_jumps((i + 1, slice(1, last), ...), core)

    def _events(self, flagged: Array, least_area: float) -> list[Ellipse]:
        return events(flagged, least_area, self._find_groups)

    def _saturating(self, i: int, group: int) -> list[Ellipse]:
        """Events of pixels that saturate in this group."""
        before, now = ((self.flags[i, g, ...] & dq.SATURATED) != 0 for g in (group - 1, group))
        return self._events(now & ~before, self._settings.min_sat_area)

    def _grow_cores(self, i: int, group: int, saturating: Sequence[Ellipse]) -> None:
        """Saturate grown cores from this group on, and remember where the cores were."""
        for core in saturating:
            if not core.minor > self._settings.min_sat_radius_extend:
                continue
            grown = filled(core.widened(self._settings.sat_expand, self._settings.max_axis), self._frame)
            if grown is not None:
                place = (i, slice(group, None), grown.rows, grown.columns)
                self.flags[place] = self._xp.where(grown.mask_like(self.flags), dq.SATURATED, self.flags[place])
            itself = filled(core, self._frame)
            if itself is not None:
                self._cores[i, itself.rows, itself.columns] |= itself.mask

    def _flag_around(self, i: int, group: int, ellipse: Ellipse) -> None:
        patch = filled(ellipse, self._frame)
        if patch is not None:
            place = (i, group, patch.rows, patch.columns)
            unsaturated = (self.flags[place] & dq.SATURATED) == 0
            self._add_jumps(place, patch.mask_like(self.flags) & unsaturated)

    def _add_jumps(self, place: tuple[Any, ...], where: Array) -> None:
        flags = self.flags[place]
        self.flags[place] = self._xp.where(where, flags | dq.JUMP_DET, flags)


def _with_cores(
    jumps: Sequence[Ellipse], cores: Sequence[Ellipse], shape: tuple[int, ...], settings: SnowballSettings
) -> list[Ellipse]:
    """The jumps that have a core, or are where they need none."""
    has_core = with_some_inside(jumps, [(core.row, core.column) for core in cores])
    return [j for j, found in zip(jumps, has_core, strict=True) if found or _near_edge(j, shape, settings.edge_size)]


def _near_edge(jump: Ellipse, shape: tuple[int, ...], edge: int) -> bool:
    rows, columns = shape
    return not (edge <= jump.row <= max(0, rows - edge) and edge <= jump.column <= max(0, columns - edge))
