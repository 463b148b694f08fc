"""Fit of each segment, for people who check a fit."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from array_api_compat import array_namespace, device

from gpipe import dq
from gpipe.arrays import Array, Namespace
from gpipe.ramp_fitting.groups import Groups
from gpipe.ramp_fitting.segments import Segments
from gpipe.ramp_fitting.sums import lone_time, lone_value, segment_exponents
from gpipe.ramp_fitting.timing import Timing
from gpipe.ramp_fitting.variances import NoiseUnits
from gpipe.ramp_fitting.weights import level_coefficients, look_up, step_coefficients, table_index, weight_sums

_UNKNOWN = (math.nan, math.nan, math.nan, math.nan, math.inf, math.nan, 0.0)
"""The fit of a segment where the noise is unknown, in the order of ``SegmentResults``; as jwst has it for long ones
without a gain."""


@dataclass(frozen=True)
class SegmentResults:
    """Fits of the segments of every ramp in order; 0 where a ramp has fewer segments than there are planes.

    Where gain or noise are unknown, slopes, lines and Poisson variances are NaN, var_rnoise is 0, weights are infinite.

    Attributes
    ----------
    slope : float32, (integration, segment, row, column), DN/s.
    sigslope : float32, (integration, segment, row, column), from read noise alone, electrons per group as in jwst.
    yint, sigyint : float32, (integration, segment, row, column), the line at the first group of the ramp, DN, and its
        error from read noise alone, electrons as in jwst.
    weights : float32, (integration, segment, row, column), 1 / var_rnoise.
    var_poisson, var_rnoise : float32, (integration, segment, row, column), (DN/s)^2.
    pedestal : float32, (integration, row, column), DN, the ramp at the reset; 0 where it has no slope.
    crmag : float32, (integration, jump, row, column), DN, see ``jump_magnitudes``.
    """

    slope: Array
    sigslope: Array
    yint: Array
    sigyint: Array
    weights: Array
    var_poisson: Array
    var_rnoise: Array
    pedestal: Array
    crmag: Array


@dataclass(frozen=True)
class _Lines:
    """Lines through segments, planes (integration, segment, row, column); ``real`` says which exist."""

    real: Array
    length: Array
    slope: Array
    mean: Array
    middle: Array
    weight: Array
    square: Array


def segment_results(
    groups: Groups,
    segments: Segments,
    limits: list[Array],
    readnoise: Array,
    units: NoiseUnits,
    known: Array,
    slope: Array,
    crmag: Array,
    timing: Timing,
    *,
    xp: Namespace,
) -> SegmentResults:
    """Write down the fit of every segment; the same fits as ``sums.sum_segments`` adds up.

    Parameters
    ----------
    readnoise : float32, (row, column), electrons.
    known : bool, (row, column), True for pixels with a known gain and noise.
    slope : float32, (integration, row, column), DN/s, of the integrations.
    """
    pedestal = groups.values[0] - slope * timing.first_group_position
    pedestal = xp.where(xp.isnan(pedestal), 0.0, pedestal)
    lone = _where_known(known, _lone_results(groups, segments.lone, units, timing, xp=xp), xp=xp)
    if not groups.steps:
        only = (xp.where(segments.lone, plane, 0.0)[:, None, ...] for plane in lone)
        return SegmentResults(*[*only, pedestal, crmag])
    lines = _lines(groups, segments, limits, xp=xp)
    fitted = _where_known(known, _line_results(lines, readnoise, units, timing.group_time, xp=xp), xp=xp)
    first = xp.reshape(xp.arange(fitted[0].shape[1], dtype=xp.int32, device=device(slope)), (1, -1, 1, 1)) == 0
    alone = segments.lone[:, None, ...] & first
    both = (
        xp.where(alone, plane[:, None, ...], xp.where(lines.real, planes, 0.0))
        for planes, plane in zip(fitted, lone, strict=True)
    )
    return SegmentResults(*[*both, pedestal, crmag])


def jump_magnitudes(values: Sequence[Array], flags: Sequence[Array], *, xp: Namespace) -> Array:
    """Steps onto groups flagged JUMP_DET, in order; 0 beyond a ramp's last, NaN if one group of the step is saturated.

    Returns
    -------
    float32, (integration, jump, row, column), DN; as many planes as there are steps.
    """
    hits = [(flag & dq.JUMP_DET) != 0 for flag in flags[1:]]
    if not hits:
        return xp.zeros_like(values[0])[:, None, ...][:, :0, ...]
    saturated = [(flag & dq.SATURATED) != 0 for flag in flags]
    steps = [xp.where(saturated[k] | saturated[k + 1], xp.nan, values[k + 1] - values[k]) for k in range(len(hits))]
    position, real = _positions(hits, len(hits), xp=xp)
    return xp.where(real, _pick(steps, position, xp=xp), 0.0)


def planes_in_use(x: Array) -> Array:
    """Find planes along axis 1 of (integration, plane, row, column) with a value other than 0; bool, (plane,)."""
    xp = array_namespace(x)
    return xp.any(x != 0, axis=(0, 2, 3))


def _where_known(known: Array, planes: Sequence[Array], *, xp: Namespace) -> tuple[Array, ...]:
    return tuple(xp.where(known, plane, other) for plane, other in zip(planes, _UNKNOWN, strict=True))


def _lone_results(
    groups: Groups, lone: Array, units: NoiseUnits, timing: Timing, *, xp: Namespace
) -> tuple[Array, ...]:
    """Results of ramps of one group in the order of ``SegmentResults``; without a meaning for all other ramps."""
    time = xp.where(lone, lone_time(groups, lone, timing, xp=xp), 1.0)
    zero = xp.zeros_like(time)
    slope = lone_value(groups, lone, xp=xp) / (time * timing.group_time)
    var_rnoise = units.reading / (6.0 * time * time)
    return slope, zero, zero, zero, _inverse(var_rnoise, xp=xp), units.photons / time, var_rnoise


def _lines(groups: Groups, segments: Segments, limits: list[Array], *, xp: Namespace) -> _Lines:
    count = len(groups.values)
    dtype, where = groups.values[0].dtype, device(groups.values[0])
    inside = [xp.astype(joined, dtype) for joined in segments.joined]
    exponents = segment_exponents(groups.steps, segments, inside, limits, xp=xp)
    index = [
        table_index(p, n, j, count, xp=xp) for p, n, j in zip(exponents, segments.length, segments.place, strict=True)
    ]

    def to_here(table: Array) -> list[Array]:
        terms = [look_up(table, i, xp=xp) * step for i, step in zip(index, groups.steps, strict=True)]
        return _running_sums(terms, inside)

    slopes = to_here(step_coefficients(count, dtype=dtype, device=where, xp=xp))
    levels = to_here(level_coefficients(count, dtype=dtype, device=where, xp=xp))
    rises = _running_sums(groups.steps, inside)
    means = [groups.values[k + 1] - rises[k] + levels[k] for k in range(count - 1)]
    ends = [joined & ~after for joined, after in zip(segments.joined, segments.joined[1:], strict=False)]
    position, real = _positions([*ends, segments.joined[-1]], max(count // 2, 1), xp=xp)
    length = xp.where(real, _pick([xp.astype(n, dtype) for n in segments.length], position, xp=xp), 2.0)
    weight, square = weight_sums(count, dtype=dtype, device=where, xp=xp)
    row = xp.astype(_pick(exponents, position, xp=xp), xp.int32) * (count + 1) + xp.astype(length, xp.int32)
    return _Lines(
        real=real,
        length=length,
        slope=_pick(slopes, position, xp=xp) / (length * length * length - length),
        mean=_pick(means, position, xp=xp),
        middle=xp.astype(position, dtype) + 1.0 - 0.5 * (length - 1.0),
        weight=look_up(weight, row, xp=xp),
        square=look_up(square, row, xp=xp),
    )


def _line_results(
    lines: _Lines, readnoise: Array, units: NoiseUnits, group_time: float, *, xp: Namespace
) -> tuple[Array, ...]:
    """Results of segments of two groups and more, in the order of ``SegmentResults``."""
    n = lines.length
    sigslope = readnoise / xp.sqrt(lines.square)
    at_start = readnoise * xp.sqrt(1.0 / lines.weight + lines.middle * lines.middle / lines.square)
    var_rnoise = units.reading / (n * n * n - n)
    return (
        lines.slope / group_time,
        sigslope,
        lines.mean - lines.slope * lines.middle,
        xp.where(n == 2, sigslope, at_start),
        _inverse(var_rnoise, xp=xp),
        units.photons / (n - 1.0),
        var_rnoise,
    )


def _inverse(variance: Array, *, xp: Namespace) -> Array:
    return xp.where(variance == 0, xp.inf, 1.0 / xp.where(variance == 0, 1.0, variance))


def _running_sums(terms: Sequence[Array], inside: Sequence[Array]) -> list[Array]:
    """Sums from the start of each segment to each of its steps."""
    sums: list[Array] = []
    for term, counts in zip(terms, inside, strict=True):
        sums.append(counts * (sums[-1] + term if sums else term))
    return sums


def _positions(marks: Sequence[Array], count: int, *, xp: Namespace) -> tuple[Array, Array]:
    """Find the first ``count`` marks of each ramp, and which of them exist; (integration, count, row, column).

    The index of the s-th mark is the number of planes up to which a ramp has fewer than s marks.
    """
    met, total = [], xp.zeros_like(marks[0], dtype=xp.int32)
    for mark in marks:
        total = total + xp.astype(mark, xp.int32)
        met.append(total)
    before = []
    for s in range(1, count + 1):
        fewer = xp.zeros_like(total)
        for reached in met:
            fewer = fewer + xp.astype(reached < s, xp.int32)
        before.append(fewer)
    position = xp.stack(before, axis=1)
    real = position < len(marks)
    return xp.where(real, position, 0), real


def _pick(planes: Sequence[Array], position: Array, *, xp: Namespace) -> Array:
    return xp.take_along_axis(xp.stack(list(planes), axis=1), position, axis=1)
