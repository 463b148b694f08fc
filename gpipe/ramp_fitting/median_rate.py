"""A robust first estimate of the rate, for the Poisson variance."""

from gpipe import dq
from gpipe.arrays import Array, Namespace
from gpipe.arrays.masked_median import masked_median
from gpipe.ramp_fitting.groups import UNUSABLE, Groups
from gpipe.ramp_fitting.timing import Timing


def median_rate(groups: Groups, lone: Array, value: Array, timing: Timing, *, xp: Namespace) -> Array:
    """Median of the usable steps between groups, averaged over the integrations.

    A step is usable if neither of its groups is DO_NOT_USE or SATURATED and its later group is not a JUMP_DET. A ramp
    whose signal is measured against the reset, by its first group or the ZEROFRAME, has that rate. Other integrations
    are left out: what they lack must not lower the noise of the others, nor the pedestal of an only group raise it.
    Where all lack a rate, those that are fitted by one group have the rate of that group.

    Parameters
    ----------
    lone : bool, (integration, row, column), ramps that are fitted by one group.
    value : float32, (integration, row, column), DN, the signal of that group.

    Returns
    -------
    float32, (row, column), DN/s; NaN where no integration has an estimate.
    """
    first = groups.values[0]
    since_reset = first / timing.first_group_time
    usable = [(flag & UNUSABLE) == 0 for flag in groups.flags]
    if len(usable) == 1:
        return _mean(since_reset, usable[0], xp=xp)
    valid = [usable[k] & usable[k + 1] & ((groups.flags[k + 1] & dq.JUMP_DET) == 0) for k in range(len(usable) - 1)]
    some = valid[0]
    for mask in valid[1:]:
        some = some | mask
    rate = xp.where(some, masked_median(groups.steps, valid, xp=xp), value) / timing.group_time
    rate = xp.where(groups.from_zeroframe, first / timing.frame_time, rate)
    rate = xp.where(groups.only_first, since_reset, rate)
    known = some | groups.only_first | groups.from_zeroframe
    return _mean(rate, known | (lone & ~xp.any(known, axis=0)), xp=xp)


def _mean(rate: Array, known: Array, *, xp: Namespace) -> Array:
    """Mean over the integrations of which the rate is known; NaN where there is none."""
    count = xp.sum(xp.astype(known, rate.dtype), axis=0)
    return xp.sum(xp.where(known, rate, 0.0), axis=0) / xp.where(count > 0, count, xp.nan)
