"""Groups of a block of pixels, prepared for the fit: usable groups, lone groups, replaced groups."""

from collections.abc import Sequence
from dataclasses import dataclass

from gpipe import dq
from gpipe.arrays import Array, Namespace

UNUSABLE = dq.DO_NOT_USE | dq.SATURATED
HARMLESS = dq.PERSISTENCE  # a group with only this flag is as good as any


@dataclass(frozen=True)
class Groups:
    """Signals and flags, one plane a group, and what the flags of an integration say together.

    All planes are (integration, row, column).

    Attributes
    ----------
    values : float32, DN; finite.
    steps : float32, DN; from each group to the next, so one plane less.
    flags : uint8.
    seen : uint8, the flags that at least one group has.
    saturated_from_start : bool, the first group is SATURATED, so the ramp is not fitted.
    only_first : bool, the first group is the one good group and is measured against the reset.
    from_zeroframe : bool, the first group's signal is that of the first frame alone.
    """

    values: Sequence[Array]
    steps: Sequence[Array]
    flags: Sequence[Array]
    seen: Array
    saturated_from_start: Array
    only_first: Array
    from_zeroframe: Array


def prepare_groups(
    values: Sequence[Array],
    flags: Sequence[Array],
    zeroframe: Array | None,
    *,
    suppress_one_group: bool,
    ignore_first_jump: bool = False,
    xp: Namespace,
) -> Groups:
    """Apply the rules for ramps with one usable group or none.

    A group whose signal is NaN or infinite counts as DO_NOT_USE. With ``suppress_one_group`` a ramp with one good
    group is not used at all; without it a ramp with no good group gets the signal of the first frame from
    ``zeroframe``, which holds 0 where that is saturated too. With ``ignore_first_jump`` the first group loses JUMP_DET,
    but counts as not good where ramps with one good group are looked for.
    """
    missing = [~xp.isfinite(value) for value in values]
    values = [xp.where(absent, 0.0, value) for value, absent in zip(values, missing, strict=True)]
    flags = [flag | _bit(absent, dq.DO_NOT_USE, xp=xp) for flag, absent in zip(flags, missing, strict=True)]
    one = _exactly_one([_without(flag, HARMLESS) == 0 for flag in flags])
    if ignore_first_jump:
        flags[0] = _without(flags[0], dq.JUMP_DET)
    seen = _union(flags)
    never = xp.zeros_like(missing[0])
    only_first = from_zeroframe = never
    if suppress_one_group and len(flags) > 1:
        flags = [flag | _bit(one, dq.DO_NOT_USE, xp=xp) for flag in flags]
    else:
        later_good = _any([flag == 0 for flag in flags[1:]], never)
        only_first = (flags[0] == 0) & ~later_good
        if zeroframe is not None:
            from_zeroframe = (flags[0] != 0) & ~later_good & (zeroframe != 0) & xp.isfinite(zeroframe)
            values[0] = xp.where(from_zeroframe, zeroframe, values[0])
            flags[0] = flags[0] * xp.astype(~from_zeroframe, flags[0].dtype)
    return Groups(
        values=values,
        steps=[values[k + 1] - values[k] for k in range(len(values) - 1)],
        flags=flags,
        seen=seen,
        saturated_from_start=(flags[0] & dq.SATURATED) != 0,
        only_first=only_first,
        from_zeroframe=from_zeroframe,
    )


def _bit(mask: Array, bit: int, *, xp: Namespace) -> Array:
    return xp.astype(mask, xp.uint8) * bit


def _without(flag: Array, bits: int) -> Array:
    return flag & (0xFF ^ bits)


def _union(flags: Sequence[Array]) -> Array:
    seen = flags[0]
    for flag in flags[1:]:
        seen = seen | flag
    return seen


def _any(masks: Sequence[Array], never: Array) -> Array:
    found = never
    for mask in masks:
        found = found | mask
    return found


def _exactly_one(masks: Sequence[Array]) -> Array:
    once, twice = masks[0], masks[0] & ~masks[0]
    for mask in masks[1:]:
        twice = twice | (once & mask)
        once = once | mask
    return once & ~twice
