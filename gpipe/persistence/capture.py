"""Number of traps of each pixel that capture a charge during an integration."""

from collections.abc import Sequence
from dataclasses import dataclass

from array_api_compat import array_namespace, device

from gpipe import dq
from gpipe.arrays import Array, Namespace
from gpipe.arrays.ranking import sort_planes
from gpipe.persistence.families import TrapFamily

_UNKNOWN_WELL = 1e7
"""DN, where the reference is NaN: more than any pixel holds."""


@dataclass(frozen=True)
class TrapPixels:
    """Traps of each pixel, (row, column).

    Attributes
    ----------
    density, full_well : float32, DN; an infinite well is never full.
    unknown : bool: a reference has no number for the pixel; None if that is so for none.
    """

    density: Array
    full_well: Array
    unknown: Array | None = None


def trap_pixels(density: Array, density_dq: Array, full_well: Array, full_well_dq: Array) -> TrapPixels:
    """Traps and persistence saturation limit of each pixel, without what the references do not know.

    Parameters
    ----------
    density : float32, (row, column), DN: traps. NaN, infinity, or DO_NOT_USE in ``density_dq``, means none.
    full_well : float32, (row, column), DN, above which all traps are within reach. Where it is not positive, or
        DO_NOT_USE in ``full_well_dq``, light fills no traps. NaN means beyond all values.
    density_dq, full_well_dq : uint32, (row, column).
    """
    xp = array_namespace(density, density_dq, full_well, full_well_dq)
    unknown = ~(xp.isfinite(density) & xp.isfinite(full_well))
    no_traps = ~xp.isfinite(density) | ((density_dq & dq.DO_NOT_USE) != 0)
    known = xp.where(xp.isnan(full_well), _UNKNOWN_WELL, full_well)
    unlimited = (known <= 0) | ((full_well_dq & dq.DO_NOT_USE) != 0)
    return TrapPixels(xp.where(no_traps, 0.0, density), xp.where(unlimited, xp.inf, known), unknown)


def mean_step(ramp: Array, groupdq: Array) -> Array:
    """Signal from one group to the next, without jumps and saturation; float32 (row, column), DN.

    The mean of the smallest differences between groups, as many as remain when the saturated ones and one for each
    jump are left out; 0 if none does. Differences with NaN are left out. One group alone is its own difference to 0.

    Parameters
    ----------
    ramp : float32, (group, row, column), DN.
    groupdq : uint8, (group, row, column).
    """
    xp = array_namespace(ramp, groupdq)
    groups = ramp.shape[0]
    if groups == 1:
        return xp.where(xp.isnan(ramp[0, ...]), 0.0, ramp[0, ...])
    steps = ramp[1:, ...] - ramp[:-1, ...]
    unusable = ((groupdq[1:, ...] & dq.SATURATED) != 0) | xp.isnan(steps)
    jumps = _count((groupdq & dq.JUMP_DET) != 0, xp=xp)
    remaining = groups - 1 - jumps - _count(unusable, xp=xp)
    ranked = sort_planes(xp.where(unusable, xp.inf, steps))
    total = xp.zeros_like(ramp[0, ...])
    for rank in range(groups - 1):
        total = total + xp.where(remaining > rank, ranked[rank, ...], 0.0)
    return total / xp.astype(xp.maximum(remaining, 1), total.dtype)


def captured_charge(
    ramp: Array,
    groupdq: Array,
    step: Array,
    pixels: TrapPixels,
    families: Sequence[TrapFamily],
    group_time: float,
    reset_time: float,
) -> list[Array]:
    """Traps that capture a charge during an integration, for each family float32 (row, column), DN.

    With ``s`` the slope in full wells per second, ``n`` the groups above the full well and ``T`` the time from the
    reset to the end of the ramp without those, the light fills

        density s^2 filled_by_ramp(T)

    (if all groups are above: what captures at once). Of the other traps, the share caught in ``n`` groups is filled
    too. Each jump adds density times its height in full wells times filled_by_jump of the time from the middle of its
    group to the end.

    Parameters
    ----------
    ramp : float32, (group, row, column), DN, corrected for persistence.
    groupdq : uint8, (group, row, column).
    step : float32, (row, column), DN: `mean_step` of the ramp as it was read.
    pixels : traps of these pixels.
    group_time : s, from group to group.
    reset_time : s, of the resets before the integration, during which light falls as well.
    """
    xp = array_namespace(ramp, groupdq, step, pixels.density, pixels.full_well)
    groups = ramp.shape[0]
    full_groups = _count(ramp > pixels.full_well, xp=xp)
    slope = step / (pixels.full_well * group_time)
    squared = slope * slope
    shares = []
    for family in families:
        by_slope, constant = _shares(family, groups, group_time, reset_time)
        linear = _look_up(by_slope, full_groups, step, xp=xp) * squared
        shares.append(linear + _look_up(constant, full_groups, step, xp=xp))
    for g in range(1, groups):
        jump = _jump(ramp, groupdq, step, g, xp=xp) / pixels.full_well
        for share, family in zip(shares, families, strict=True):
            share += jump * family.filled_by_jump((groups - g - 0.5) * group_time)
    return [pixels.density * share for share in shares]


def _shares(family: TrapFamily, groups: int, group_time: float, reset_time: float) -> tuple[list[float], list[float]]:
    """Shares of traps filled, for each number of groups above the full well: a factor of slope^2, and the rest."""
    by_slope, constant = [], []
    for n in range(groups + 1):
        caught = family.caught(n * group_time)
        linear = family.filled_by_ramp((groups - n) * group_time + reset_time)
        at_once = family.instantaneous if n == groups else 0.0
        by_slope.append(0.0 if n == groups else linear * (1 - caught))
        constant.append(at_once * (1 - caught) + (family.exponential + family.instantaneous) * caught)
    return by_slope, constant


def _jump(ramp: Array, groupdq: Array, step: Array, g: int, *, xp: Namespace) -> Array:
    """Height of a flagged jump in group ``g``, DN; 0 where there is none."""
    height = ramp[g, ...] - ramp[g - 1, ...] - step
    return xp.where(((groupdq[g, ...] & dq.JUMP_DET) != 0) & (height > 0), height, 0.0)


def _look_up(values: list[float], index: Array, like: Array, *, xp: Namespace) -> Array:
    """``values[index]`` for each pixel, in the dtype of ``like``."""
    table = xp.asarray(values, dtype=like.dtype, device=device(like))
    return xp.reshape(xp.take(table, xp.reshape(index, (-1,)), axis=0), index.shape)


def _count(mask: Array, *, xp: Namespace) -> Array:
    return xp.count_nonzero(mask, axis=0)
