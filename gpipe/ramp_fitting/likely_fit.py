"""Fit straight lines to ramps by likelihood: all differences at once, with their covariance."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial

from array_api_compat import array_namespace

from gpipe import dq
from gpipe.arrays import Array, Namespace, map_row_blocks
from gpipe.arrays.masked_median import masked_median
from gpipe.arrays.memory import is_on_host
from gpipe.ramp_fitting.fit import check_shapes, limited
from gpipe.ramp_fitting.groups import UNUSABLE
from gpipe.ramp_fitting.likely_combination import combine_integrations
from gpipe.ramp_fitting.likely_covariance import Covariance, Noise, covariance
from gpipe.ramp_fitting.likely_jumps import leave_out_jumps
from gpipe.ramp_fitting.likely_slopes import Slopes, chi_square, fit_slopes, photon_variance, read_variance
from gpipe.ramp_fitting.rates import Rates, pixel_quality
from gpipe.ramp_fitting.reads import Reads, Times, apart_from_first
from gpipe.ramp_fitting.variances import known_reference, not_negative

CACHED_SAMPLES = 1 << 19
DEVICE_SAMPLES = 1 << 25
FEWEST_GROUPS = 4


@dataclass(frozen=True, kw_only=True)
class LikelyOptions:
    """Options of a fit.

    Attributes
    ----------
    times : seconds of all reads, group by group.
    first_group, last_group : groups before and after these (counted from 0) are not used; None for no limit.
    """

    times: Times
    first_group: int | None = None
    last_group: int | None = None


@dataclass(frozen=True)
class LikelyFit:
    """Count rates of the exposure and of each integration; chi-square of the exposure, summed over integrations."""

    exposure: Rates
    integrations: Rates
    chi_square: Array


def fit_ramps_likely(
    data: Array,
    groupdq: Array,
    pixeldq: Array,
    readnoise: Array,
    gain: Array,
    *,
    options: LikelyOptions,
    dark_current: Array | None = None,
    zeroframe: Array | None = None,
    workers: int = 1,
) -> LikelyFit:
    """Measure count rates from ramps by generalized least squares, leaving out jumps that it finds itself.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN, four groups or more. NaN and infinity count as DO_NOT_USE.
    groupdq : uint8, (integration, group, row, column). Differences from or to a group with any flag are not used.
    pixeldq : uint32, (row, column).
    readnoise : float32, (row, column), DN, noise of the difference of two frames; 0 for photon noise alone. Where it
        is negative or not below 10^8 the rate is NaN and the pixel becomes DO_NOT_USE.
    gain : float32, (row, column), electrons / DN. Where it is not positive and below 10^8 the rate is NaN and the pixel
        becomes DO_NOT_USE and NO_GAIN_VALUE.
    dark_current : float32, (row, column), DN/s, adds to the rate that sets the photon noise, which is not negative;
        None for 0. Where it is not finite the rate is NaN and the pixel becomes DO_NOT_USE.
    zeroframe : float32, (integration, row, column), DN: the first read of the first group, which must hold two or more;
        0 or NaN where it is of no use. None for none.
    workers : threads; the results do not depend on it.

    Returns
    -------
    LikelyFit; float32, DN/s and (DN/s)^2; errors are 1 sigma with photon and read noise. A pixel without two good
    groups in a row has NaN as rate, variances, error and chi-square. DO_NOT_USE is added if all groups are DO_NOT_USE
    or SATURATED; SATURATED if one group is; JUMP_DET if one is or a jump was found.

    Notes
    -----
    Brandt 2024, PASP 136, 045004 (arXiv 2309.08753) and 045005 (arXiv 2404.01326). The photon noise follows from a
    first rate: the median of all differences while jumps are looked for, then the rate that was fitted with it.
    Jumps are looked for in float64 where the device has it. With float32 alone the rates are the same, but of a large
    hit two differences may be left out for one.
    """
    xp = array_namespace(data, groupdq, pixeldq, readnoise, gain)
    check_shapes(data, groupdq=groupdq, pixeldq=pixeldq, readnoise=readnoise, gain=gain)
    if len(options.times) != data.shape[1] or data.shape[1] < FEWEST_GROUPS:
        raise ValueError(f"times: found {len(options.times)} groups for data of {data.shape[1]}, expected 4 or more")
    arrays = (data, groupdq, pixeldq, readnoise, gain, dark_current, zeroframe)
    fit = partial(_fit_block, options=options, xp=xp)
    results = map_row_blocks(fit, *arrays, block_rows=_rows_at_once(data), workers=workers)
    count = len(fields(Rates))
    return LikelyFit(Rates(*results[:count]), Rates(*results[count : 2 * count]), results[-1])


def _rows_at_once(data: Array) -> int:
    integrations, groups, _, columns = data.shape
    samples = CACHED_SAMPLES if is_on_host(data) else DEVICE_SAMPLES
    return max(1, samples // max(1, integrations * groups * columns))


def _fit_block(
    data: Array,
    groupdq: Array,
    pixeldq: Array,
    readnoise: Array,
    gain: Array,
    dark_current: Array | None,
    zeroframe: Array | None,
    *,
    options: LikelyOptions,
    xp: Namespace,
) -> list[Array]:
    """The fields of all results for some rows, one after the other."""
    ramps = _prepare(data, groupdq, zeroframe, options, xp=xp)
    gain, readnoise = known_reference(gain, xp=xp), xp.where(readnoise == 0, 0.0, known_reference(readnoise, xp=xp))
    reading = 0.5 * readnoise * readnoise
    kept, slopes, noise, matrix = _fit_without_jumps(ramps, reading, gain, dark_current, xp=xp)
    found = [use > keep for use, keep in zip(ramps.used, kept, strict=True)]
    noise_is_known = xp.isfinite(reading if dark_current is None else reading + dark_current)
    integrations = Rates(
        slope=slopes.value,
        dq=_quality(ramps.flags, found, pixel_quality(pixeldq, gain, noise_is_known, xp=xp), xp=xp),
        var_poisson=photon_variance(slopes, noise, ramps.reads),
        var_rnoise=read_variance(slopes, noise, ramps.reads),
        err=xp.sqrt(1.0 / slopes.information),
    )
    chi_squares = chi_square(slopes, matrix)
    if data.shape[0] == 1:
        exposure = Rates(*[getattr(integrations, field.name)[0, ...] for field in fields(Rates)])
    else:
        exposure = combine_integrations(integrations, xp=xp)
    results = [getattr(rates, field.name) for rates in (exposure, integrations) for field in fields(Rates)]
    return [*results, xp.sum(chi_squares, axis=0)]


@dataclass(frozen=True)
class _Ramps:
    """Differences of groups, which exist and are used, and the groups' flags; planes (integration, row, column)."""

    steps: Sequence[Array]
    exist: Sequence[Array]
    used: Sequence[Array]
    flags: Sequence[Array]
    reads: Reads


def _prepare(data: Array, groupdq: Array, zeroframe: Array | None, options: LikelyOptions, *, xp: Namespace) -> _Ramps:
    values = [data[:, k, ...] for k in range(data.shape[1])]
    flags = limited([groupdq[:, k, ...] for k in range(data.shape[1])], options.first_group, options.last_group)
    times = options.times
    if zeroframe is not None:
        values = _with_zeroframe(values, zeroframe, len(times[0]), xp=xp)
        flags, times = [flags[0], *flags], apart_from_first(times)
    missing = [~xp.isfinite(value) for value in values]
    values = [xp.where(absent, 0.0, value) for value, absent in zip(values, missing, strict=True)]
    flags = [flag | xp.astype(absent, xp.uint8) * dq.DO_NOT_USE for flag, absent in zip(flags, missing, strict=True)]
    pairs = range(len(values) - 1)
    return _Ramps(
        steps=[values[k + 1] - values[k] for k in pairs],
        exist=[~(missing[k] | missing[k + 1]) for k in pairs],
        used=[xp.astype((flags[k] | flags[k + 1]) == 0, data.dtype) for k in pairs],
        flags=flags,
        reads=Reads.at(times),
    )


def _with_zeroframe(values: list[Array], zeroframe: Array, reads: int, *, xp: Namespace) -> list[Array]:
    """The first read, the mean of the others of the first group, and the later groups; NaN if the first is unknown."""
    first = xp.where(zeroframe == 0, xp.nan, zeroframe)
    others = (values[0] * reads - first) / (reads - 1)
    return [first, others, *values[1:]]


def _fit_without_jumps(
    ramps: _Ramps, reading: Array, gain: Array, dark_current: Array | None, *, xp: Namespace
) -> tuple[list[Array], Slopes, Noise, Covariance]:
    """Leave out jumps, then fit the differences left, with the photon noise of the first fit's rate."""
    reads, steps = ramps.reads, ramps.steps
    rates = [step / seconds for step, seconds in zip(steps, reads.intervals, strict=True)]
    guess = xp.clip(masked_median(rates, ramps.exist, xp=xp), 0.0, None)
    noise = Noise(guess / gain, xp.broadcast_to(reading, guess.shape))
    kept, first = leave_out_jumps(steps, ramps.used, noise, reads, xp=xp)
    rate = xp.where(first > 0, first, 0.0)
    flux = rate if dark_current is None else not_negative(rate + dark_current, xp=xp)
    noise = Noise(flux / gain, reading)
    matrix = covariance(kept, noise, reads, xp=xp)
    return kept, fit_slopes(steps, kept, matrix, reads, xp=xp), noise, matrix


def _quality(flags: Sequence[Array], jumps: Sequence[Array], quality: Array, *, xp: Namespace) -> Array:
    """Flags of integrations, (integration, row, column)."""
    seen, spoilt = flags[0], (flags[0] & UNUSABLE) != 0
    for flag in flags[1:]:
        seen, spoilt = seen | flag, spoilt & ((flag & UNUSABLE) != 0)
    jumped = jumps[0]
    for jump in jumps[1:]:
        jumped = jumped | jump
    handed_on = xp.astype(seen & (dq.SATURATED | dq.JUMP_DET), xp.uint32)
    return (
        quality | handed_on | xp.astype(jumped, xp.uint32) * dq.JUMP_DET | xp.astype(spoilt, xp.uint32) * dq.DO_NOT_USE
    )
