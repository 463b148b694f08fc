"""Weighted sums over the segments of a ramp, from which slopes and variances follow."""

from collections.abc import Sequence
from dataclasses import dataclass

from gpipe.arrays import Array, Namespace
from gpipe.ramp_fitting.groups import Groups
from gpipe.ramp_fitting.segments import Segments, good_groups
from gpipe.ramp_fitting.timing import Timing
from gpipe.ramp_fitting.weights import exponent_index, look_up, table_index


@dataclass(frozen=True)
class Sums:
    """Sums over the segments s of n_s groups of a ramp; planes (integration, row, column) of float32.

    Attributes
    ----------
    signal : Σ b_s (n_s^3 - n_s), b_s the slope of a segment in DN / group.
    reading : Σ (n_s^3 - n_s); the read-noise variance of the ramp's slope is inversely proportional to it.
    photons : Σ (n_s - 1); the Poisson variance of the ramp's slope is inversely proportional to it.
    moments : one plane a step between groups: n_s (n_s + 1) of its segment; their sum is ``reading``.
    lone_time : for ramps of one group: the time over which it collected its signal, in group times; else 0.
    """

    signal: Array
    reading: Array
    photons: Array
    moments: Sequence[Array]
    lone_time: Array


def sum_segments(
    groups: Groups,
    segments: Segments,
    value: Array,
    limits: list[Array],
    table: Array,
    timing: Timing,
    *,
    xp: Namespace,
) -> Sums:
    """Fit all segments and add them up, each with its weight.

    A ramp of a single group counts like a segment of two groups that begins with a signal of 0 at the reset and lasts
    for the time that the group collected its signal.

    Parameters
    ----------
    value : of ``lone_value``.
    limits : see ``weights.signal_limits``.
    table : see ``weights.step_coefficients``.
    """
    count = len(groups.values)
    inside = [xp.astype(joined, groups.values[0].dtype) for joined in segments.joined]
    exponents = segment_exponents(groups.steps, segments, inside, limits, xp=xp)
    time = lone_time(groups, segments.lone, timing, xp=xp)
    signal = 6.0 * time * value
    reading = 6.0 * time * time
    photons = time
    moments = []
    for k, step in enumerate(groups.steps):
        index = table_index(exponents[k], segments.length[k], segments.place[k], count, xp=xp)
        signal = signal + look_up(table, index, xp=xp) * step
        length = xp.astype(segments.length[k], signal.dtype)
        moments.append(length * (length + 1.0))
        reading = reading + moments[-1]
        photons = photons + inside[k]
    return Sums(signal=signal, reading=reading, photons=photons, moments=moments, lone_time=time)


def segment_exponents(
    steps: Sequence[Array], segments: Segments, inside: Sequence[Array], limits: list[Array], *, xp: Namespace
) -> list[Array]:
    """Index of the weighting exponent of each step's segment, from the rise between its first and last group.

    ``inside`` is ``segments.joined`` as numbers; the planes are chosen by products because that takes less time.
    """
    exponents, rise = [], xp.zeros_like(steps[0]) if steps else None
    for step, counts in zip(steps, inside, strict=True):
        rise = counts * (rise + step)
        exponents.append(exponent_index(rise, limits, xp=xp))
    for k in range(len(exponents) - 2, -1, -1):
        continues = xp.astype(segments.joined[k + 1], exponents[k].dtype)
        exponents[k] = exponents[k + 1] * continues + exponents[k] * (1 - continues)
    return exponents


def lone_time(groups: Groups, lone: Array, timing: Timing, *, xp: Namespace) -> Array:
    """Time in which a ramp's only group collected its signal, in group times; 0 for other ramps.

    It is known if that is the first group or the ZEROFRAME; else one group time is assumed.
    """
    first = timing.first_group_time / timing.group_time
    frame = timing.frame_time / timing.group_time
    one = xp.ones_like(groups.values[0])
    time = xp.where(groups.only_first, first * one, xp.where(groups.from_zeroframe, frame * one, one))
    return xp.where(lone, time, 0.0)


def lone_value(groups: Groups, lone: Array, *, xp: Namespace) -> Array:
    """Signal of the first good group of ramps that have no two good groups in a row; else 0."""
    value, waiting = xp.zeros_like(groups.values[0]), lone
    for plane, good in zip(groups.values, good_groups(groups.flags), strict=True):
        value = value + plane * xp.astype(waiting & good, plane.dtype)
        waiting = waiting & ~good
    return value
