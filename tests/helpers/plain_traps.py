"""The trap model, one pixel and one group at a time, in double precision."""

import math

from gpipe import dq


def plain_step(ramp, flags):
    """The mean difference between groups, without the largest ones where there are jumps."""
    if len(ramp) == 1:
        return 0.0 if math.isnan(ramp[0]) else float(ramp[0])
    steps = [
        float(b) - float(a)
        for a, b, flag in zip(ramp[:-1], ramp[1:], flags[1:], strict=True)
        if not flag & dq.SATURATED and not math.isnan(b - a)
    ]
    jumps = sum(bool(flag & dq.JUMP_DET) for flag in flags)
    kept = sorted(steps)[: max(len(steps) - jumps, 0)]
    return sum(kept) / len(kept) if kept else 0.0


def plain_capture(ramp, flags, step, density, well, family, group_time, reset_time):
    """Traps of one family filled in one integration of one pixel."""
    groups, full = len(ramp), sum(value > well for value in ramp)
    seconds = (groups - full) * group_time + reset_time
    slope = step / (well * group_time)
    rate = family.capture_rate
    linear = family.exponential * (
        seconds**2 / 2 - (1 / rate**2 - (seconds / rate + 1 / rate**2) * math.exp(-rate * seconds))
    )
    filled = 2 * density * slope**2 * (linear + family.instantaneous * seconds**2 / 2)
    if full == groups:
        filled = density * family.instantaneous
    empty = density * (family.exponential + family.instantaneous) - filled
    filled += empty * (1 - math.exp(-rate * full * group_time)) if full else 0
    for g in range(1, groups):
        jump = ramp[g] - ramp[g - 1] - step
        if flags[g] & dq.JUMP_DET and jump > 0:
            caught = family.exponential * (1 - math.exp(-rate * (groups - g - 0.5) * group_time))
            filled += 2 * density * jump / well * (caught + family.instantaneous)
    return filled


def plain_correction(data, groupdq, filled, density, well, families, timing):
    """Corrected ramps of one pixel, (integration, group), its traps afterwards, and the subtracted signal."""
    filled = [0.0 if math.isnan(f) else float(f) for f in filled]
    corrected, persistence = data.astype(float), data.astype(float) * 0
    for i, ramp in enumerate(data):
        step = plain_step(ramp, groupdq[i])
        reset = timing.later_resets if i else timing.first_reset
        for k, family in enumerate(families):
            if i:
                filled[k] *= math.exp(-family.decay_rate * reset)
        released = [0.0 for _ in families]
        for g in range(len(ramp)):
            for k, family in enumerate(families):
                gone = filled[k] * (1 - math.exp(-family.decay_rate * timing.group))
                filled[k] -= gone
                released[k] += gone
            persistence[i, g] = sum(released)
            corrected[i, g] -= sum(released)
        for k, family in enumerate(families):
            filled[k] += plain_capture(corrected[i], groupdq[i], step, density, well, family, timing.group, reset)
    return corrected, filled, persistence
