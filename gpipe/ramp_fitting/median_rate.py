"""A robust first estimate of the rate, for the Poisson variance."""

from gpipe import dq
from gpipe.arrays import Array, Namespace
from gpipe.arrays.masked_median import masked_median
from gpipe.ramp_fitting.groups import UNUSABLE, Groups
from gpipe.ramp_fitting.timing import Timing


def median_rate(groups: Groups, timing: Timing, *, xp: Namespace) -> Array:
    """Median of the usable steps between groups, averaged over the integrations.

    A step is usable if neither of its groups is DO_NOT_USE or SATURATED and its later group is not a JUMP_DET. An
    integration without one counts with the rate of its first group since the reset, or with 0. Of ramps of one group
    that group gives the rate; one saturated integration leaves the pixel without an estimate.

    Returns
    -------
    float32, (row, column), DN/s; NaN where there is no estimate.
    """
    first = groups.values[0]
    since_reset = first / timing.first_group_time
    if len(groups.values) == 1:
        saturated = (groups.flags[0] & dq.SATURATED) != 0
        return xp.mean(xp.where(saturated, xp.nan, since_reset), axis=0)
    usable = [(flag & UNUSABLE) == 0 for flag in groups.flags]
    valid = [
        usable[k] & usable[k + 1] & ((groups.flags[k + 1] & dq.JUMP_DET) == 0) for k in range(len(groups.flags) - 1)
    ]
    some = valid[0]
    for mask in valid[1:]:
        some = some | mask
    fallback = xp.where(usable[0], first, 0.0)
    rate = xp.where(some, masked_median(groups.steps, valid, xp=xp), fallback) / timing.group_time
    rate = xp.where(groups.from_zeroframe, first / timing.frame_time, rate)
    rate = xp.where(groups.only_first, since_reset, rate)
    return xp.mean(rate, axis=0)
