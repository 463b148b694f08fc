"""Snowballs: large, round jumps with a saturated core. Works on the host: see ``events_host``."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gpipe import dq
from gpipe.jump.events_host import Ellipse, events, filled, with_some_inside


@dataclass(frozen=True, kw_only=True)
class SnowballSettings:
    """What is a snowball, and how far its flags reach.

    Attributes
    ----------
    min_jump_area, min_sat_area : pixels of the smallest event, and of its newly saturated core.
    expand_factor : how much larger than the event the flagged ellipse is.
    sat_required : whether an event needs a core; if not, cores are not grown either.
    min_sat_radius_extend : pixels, length of a core's minor axis from which it is grown.
    sat_expand : pixels by which both axes of a core grow.
    edge_size : pixels from the edge of the image within which an event needs no core.
    max_axis : pixels, longest axis of anything that is drawn.
    next_integration_groups : groups at the start of the next integration that are flagged where cores were; 0 for none.
    """

    min_jump_area: float
    min_sat_area: float
    expand_factor: float
    sat_required: bool
    min_sat_radius_extend: float
    sat_expand: float
    edge_size: int
    max_axis: float
    next_integration_groups: int


@dataclass(frozen=True)
class Snowballs:
    """What ``flag_snowballs`` found: new flags, uint8 (integration, group, row, column), and how many there are."""

    groupdq: np.ndarray
    count: int


def flag_snowballs(groupdq: np.ndarray, settings: SnowballSettings) -> Snowballs:
    """Flag the surroundings of large events as jumps, and grow their saturated cores.

    In each group, an event is a connected group of pixels with JUMP_DET. It is a snowball if pixels that saturate in
    this group or the next lie in its ellipse, or if it is near the edge. Pixels of the grown ellipse that are not
    saturated get JUMP_DET; those of a grown core get SATURATED, and no other flag, from this group to the last one.

    Parameters
    ----------
    groupdq : uint8, (integration, group, row, column), with JUMP_DET only where neither SATURATED nor DO_NOT_USE are.

    Notes
    -----
    Source: https://jwst-pipeline.readthedocs.io/en/latest/jwst/jump/description.html#large-events
    """
    flags = groupdq.copy()
    cores = np.zeros((flags.shape[0], *flags.shape[2:]), bool)
    count = sum(_flag_integration(flags[i], cores[i], settings) for i in range(flags.shape[0]))
    last = min(settings.next_integration_groups, flags.shape[1])
    for i in range(1, flags.shape[0] if last else 0):
        flags[i, 1:last, cores[i - 1]] |= dq.JUMP_DET
    return Snowballs(flags, count)


def _flag_integration(flags: np.ndarray, cores: np.ndarray, settings: SnowballSettings) -> int:
    """Flag the snowballs of one integration, in place; also where their cores are. Returns their number."""
    count = 0
    for group in range(1, flags.shape[0]):
        jumps = events((flags[group] & dq.JUMP_DET) != 0, settings.min_jump_area)
        if settings.sat_required:
            saturating = _saturating(flags, group, settings)
            following = _saturating(flags, group + 1, settings) if jumps and group + 1 < flags.shape[0] else []
            jumps = _with_cores(jumps, [*saturating, *following], flags.shape[1:], settings)
            _grow_cores(flags[group:], cores, saturating, settings)
        for jump in jumps:
            _flag_around(flags[group], jump.grown(settings.expand_factor, settings.max_axis))
        count += len(jumps)
    return count


def _saturating(flags: np.ndarray, group: int, settings: SnowballSettings) -> list[Ellipse]:
    """Events of pixels that saturate in this group."""
    before, now = ((flags[g] & dq.SATURATED) != 0 for g in (group - 1, group))
    return events(now & ~before, settings.min_sat_area)


def _with_cores(
    jumps: Sequence[Ellipse], cores: Sequence[Ellipse], shape: tuple[int, ...], settings: SnowballSettings
) -> list[Ellipse]:
    """The jumps that have a core, or are where they need none."""
    has_core = with_some_inside(jumps, [(core.row, core.column) for core in cores])
    return [j for j, found in zip(jumps, has_core, strict=True) if found or _near_edge(j, shape, settings.edge_size)]


def _near_edge(jump: Ellipse, shape: tuple[int, ...], edge: int) -> bool:
    rows, columns = shape
    return not (edge <= jump.row <= max(0, rows - edge) and edge <= jump.column <= max(0, columns - edge))


def _grow_cores(
    later: np.ndarray, cores: np.ndarray, saturating: Sequence[Ellipse], settings: SnowballSettings
) -> None:
    """Saturate grown cores in the groups of ``later`` (group, row, column), and remember where the cores were."""
    for core in saturating:
        if not core.minor > settings.min_sat_radius_extend:
            continue
        grown = filled(core.widened(settings.sat_expand, settings.max_axis), cores.shape)
        if grown is not None:
            later[:, grown.rows, grown.columns][:, grown.mask] = dq.SATURATED
        itself = filled(core, cores.shape)
        if itself is not None:
            cores[itself.rows, itself.columns] |= itself.mask


def _flag_around(flags: np.ndarray, ellipse: Ellipse) -> None:
    patch = filled(ellipse, flags.shape)
    if patch is not None:
        inside = flags[patch.rows, patch.columns]
        inside[patch.mask & ((inside & dq.SATURATED) == 0)] |= dq.JUMP_DET
