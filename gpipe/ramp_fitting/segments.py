"""Groups of a ramp that are fitted together."""

from collections.abc import Sequence
from dataclasses import dataclass

from gpipe import dq
from gpipe.arrays import Array, Namespace

GOOD_BITS = 0xFF ^ dq.PERSISTENCE
OPENING_BITS = GOOD_BITS ^ dq.JUMP_DET


@dataclass(frozen=True)
class Segments:
    """Segments of every ramp, given at the steps between groups: step k leads from group k to group k+1.

    All planes are (integration, row, column); the lists have one element a step, so none for a single group.

    Attributes
    ----------
    joined : bool, both groups of the step belong to the same segment.
    place : unsigned integer, the number of the step's later group in its segment, from 1; 0 if not joined.
    length : unsigned integer, the number of groups in the segment of the step; 0 if not joined.
    lone : bool, True for no segment of two or more groups, but at least one good group.
    """

    joined: Sequence[Array]
    place: Sequence[Array]
    length: Sequence[Array]
    lone: Array


def good_groups(flags: Sequence[Array]) -> list[Array]:
    """Mark the groups that may be fitted: without a flag, or with PERSISTENCE only."""
    return [(flag & GOOD_BITS) == 0 for flag in flags]


def find_segments(flags: Sequence[Array], *, xp: Namespace) -> Segments:
    """Cut ramps into segments.

    A segment is a run of good groups; the group before the run belongs to it if its only flag is JUMP_DET, because the
    charge of the hit is in that group and in all later ones. So a step is inside a segment if its later group is good
    and its earlier one good or a bare jump. Segments of one group are dropped unless the ramp has no longer one; then
    the first of them is kept. A ramp whose first group is saturated has no segments.

    Parameters
    ----------
    flags : uint8, one plane (integration, row, column) a group.

    Notes
    -----
    https://jwst-pipeline.readthedocs.io/en/latest/jwst/ramp_fitting/description.html
    """
    good = good_groups(flags)
    started = (flags[0] & dq.SATURATED) == 0
    joined = [((flags[k] & OPENING_BITS) == 0) & good[k + 1] & started for k in range(len(flags) - 1)]
    any_good, any_joined = good[0], xp.zeros_like(good[0])
    for k, inside in enumerate(joined):
        any_good, any_joined = any_good | good[k + 1], any_joined | inside
    place = _places(joined, xp.uint8 if len(flags) < 256 else xp.uint16, xp=xp)
    lone = any_good & started & ~any_joined
    return Segments(joined=joined, place=place, length=_lengths(place, joined, xp=xp), lone=lone)


def _places(joined: Sequence[Array], dtype: object, *, xp: Namespace) -> list[Array]:
    """Count forwards: the first step of a segment leads to its group 2."""
    places: list[Array] = []
    for inside in joined:
        here = xp.astype(inside, dtype)
        before = xp.maximum(places[-1], xp.ones_like(here)) if places else xp.ones_like(here)
        places.append(here * (before + 1))
    return places


def _lengths(places: Sequence[Array], joined: Sequence[Array], *, xp: Namespace) -> list[Array]:
    """Carry the last place of each segment backwards over its steps."""
    lengths = list(places)
    for k in range(len(places) - 2, -1, -1):
        lengths[k] = xp.maximum(places[k], lengths[k + 1] * xp.astype(joined[k], places[k].dtype))
    return lengths
