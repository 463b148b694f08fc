"""Fit straight lines to ramps: ordinary least squares with optimal weights, segment by segment."""

from dataclasses import dataclass, fields
from functools import partial

from array_api_compat import array_namespace, device

from gpipe import dq
from gpipe.arrays import Array, map_row_blocks
from gpipe.arrays.memory import is_on_host
from gpipe.ramp_fitting.charge_loss import has_charge_loss, restore_lost_groups
from gpipe.ramp_fitting.groups import prepare_groups
from gpipe.ramp_fitting.median_rate import median_rate
from gpipe.ramp_fitting.rates import Rates, exposure_rates, integration_rates, pixel_quality
from gpipe.ramp_fitting.segment_results import SegmentResults, jump_magnitudes, segment_results
from gpipe.ramp_fitting.segments import find_segments
from gpipe.ramp_fitting.sums import lone_value, sum_segments
from gpipe.ramp_fitting.timing import Timing
from gpipe.ramp_fitting.variances import known_reference, noise_units
from gpipe.ramp_fitting.weights import signal_limits, step_coefficients

CACHED_PIXELS = 1 << 15
DEVICE_PIXELS = 1 << 22


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """Options of a fit.

    Attributes
    ----------
    timing : the times of the read pattern.
    first_group, last_group : groups before and after these (counted from 0) are not used; None for no limit.
    suppress_one_group : do not fit ramps of more than one group of which only one is good.
    ignore_first_jump : ignore JUMP_DET of the first group, because groups before it were left out.
    restore_charge_loss : compute VAR_RNOISE as if groups flagged CHARGELOSS, if any, had been fitted.
    segments : also return the fits of all segments.
    """

    timing: Timing
    first_group: int | None = None
    last_group: int | None = None
    suppress_one_group: bool = True
    ignore_first_jump: bool = False
    restore_charge_loss: bool = False
    segments: bool = False


@dataclass(frozen=True)
class RampFit:
    """Count rates of the exposure and of each integration, and the fits of all segments if they were asked for."""

    exposure: Rates
    integrations: Rates
    segments: SegmentResults | None


def fit_ramps(
    data: Array,
    groupdq: Array,
    pixeldq: Array,
    readnoise: Array,
    gain: Array,
    *,
    options: FitOptions,
    dark_current: Array | None = None,
    zeroframe: Array | None = None,
    workers: int = 1,
) -> RampFit:
    """Measure count rates from ramps.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN. NaN and infinity count as DO_NOT_USE.
    groupdq : uint8, (integration, group, row, column). SATURATED and DO_NOT_USE groups are left out; a JUMP_DET group
        begins a new segment.
    pixeldq : uint32, (row, column). DO_NOT_USE and SATURATED pixels get no rate.
    readnoise : float32, (row, column), DN, noise of the difference of two frames. Where it is not positive and below
        10^8 the pixel becomes DO_NOT_USE.
    gain : float32, (row, column), electrons / DN. Where it is not positive and below 10^8 the pixel becomes DO_NOT_USE
        and NO_GAIN_VALUE.
    dark_current : float32, (row, column), mean dark rate, adds to the Poisson variance; None for 0. Where it is not
        finite the pixel becomes DO_NOT_USE.
    zeroframe : float32, (integration, row, column), DN, the first frame; 0 or NaN if it is not usable; None for none.
    workers : threads; the results do not depend on it.

    Returns
    -------
    RampFit; float32, DN/s and (DN/s)^2; errors are 1 sigma with Poisson and read noise. A pixel without a fit has
    NaN as rate, 0 as variances and errors, and is DO_NOT_USE.

    Notes
    -----
    Fixsen et al. 2000, PASP 112, 1350 (https://ui.adsabs.harvard.edu/abs/2000PASP..112.1350F);
    https://jwst-pipeline.readthedocs.io/en/latest/jwst/ramp_fitting/description.html. Rows are fitted in blocks, so
    that intermediate arrays take little memory.
    """
    xp = array_namespace(data, groupdq, pixeldq, readnoise, gain)
    check_shapes(data, groupdq=groupdq, pixeldq=pixeldq, readnoise=readnoise, gain=gain)
    table = step_coefficients(data.shape[1], dtype=data.dtype, device=device(data), xp=xp)
    fit = partial(_fit_block, table=table, options=options)
    arrays = (data, groupdq, pixeldq, readnoise, gain, dark_current, zeroframe)
    results = map_row_blocks(fit, *arrays, block_rows=_rows_at_once(data), workers=workers)
    count = len(fields(Rates))
    return RampFit(
        exposure=Rates(*results[:count]),
        integrations=Rates(*results[count : 2 * count]),
        segments=SegmentResults(*results[2 * count :]) if options.segments else None,
    )


def _rows_at_once(data: Array) -> int:
    """Number of rows that fit the processor's cache, or on an accelerator some 100 MB a group."""
    integrations, _, _, columns = data.shape
    pixels = CACHED_PIXELS if is_on_host(data) else DEVICE_PIXELS
    return max(1, pixels // max(1, integrations * columns))


def _fit_block(
    data: Array,
    groupdq: Array,
    pixeldq: Array,
    readnoise: Array,
    gain: Array,
    dark_current: Array | None,
    zeroframe: Array | None,
    *,
    table: Array,
    options: FitOptions,
) -> list[Array]:
    """The fields of all results for some rows, one after the other."""
    xp = array_namespace(data, groupdq)
    timing = options.timing
    values = [data[:, k, ...] for k in range(data.shape[1])]
    flags = limited([groupdq[:, k, ...] for k in range(data.shape[1])], options.first_group, options.last_group)
    groups = prepare_groups(
        values,
        flags,
        zeroframe,
        suppress_one_group=options.suppress_one_group,
        ignore_first_jump=options.ignore_first_jump,
        xp=xp,
    )
    segments = find_segments(groups.flags, xp=xp)

    gain = known_reference(gain, xp=xp)
    noise = known_reference(readnoise, xp=xp) * gain * (2.0 * timing.frames) ** -0.5  # electrons, one group
    limits = signal_limits(noise, gain, xp=xp)
    value = lone_value(groups, segments.lone, xp=xp)
    rate = median_rate(groups, segments.lone, value, timing, xp=xp)
    units = noise_units(noise, gain, rate, dark_current, timing.group_time, xp=xp)
    noise_is_known = units.reading > 0
    quality = pixel_quality(pixeldq, gain, noise_is_known, xp=xp)

    sums = sum_segments(groups, segments, value, limits, table, timing, xp=xp)
    integrations = integration_rates(sums, groups, quality, units, timing.group_time, xp=xp)
    exposure = exposure_rates(sums, groups, integrations, quality, units, timing.group_time, xp=xp)
    if options.restore_charge_loss and has_charge_loss(groupdq):
        exposure, integrations = restore_lost_groups(exposure, integrations, flags, groups, units, timing, xp=xp)
    results: list[Rates | SegmentResults] = [exposure, integrations]
    if options.segments:
        jumps = jump_magnitudes(values, flags, xp=xp)
        results.append(
            segment_results(
                groups, segments, limits, noise, units, noise_is_known, integrations.slope, jumps, timing, xp=xp
            )
        )
    return [getattr(result, field.name) for result in results for field in fields(result)]


def limited(flags: list[Array], first: int | None, last: int | None) -> list[Array]:
    """Flags with DO_NOT_USE for the groups outside of the limits; None for no limit."""
    lower, upper = 0 if first is None else first, len(flags) - 1 if last is None else last
    return [flag if lower <= k <= upper else flag | dq.DO_NOT_USE for k, flag in enumerate(flags)]


def check_shapes(data: Array, groupdq: Array, **planes: Array) -> None:
    """Planes must be (row, column) as the ramps (integration, group, row, column) are."""
    if data.ndim != 4 or groupdq.shape != data.shape:
        raise ValueError(f"data and groupdq: found shapes {data.shape} and {groupdq.shape}, expected one of 4 axes")
    for name, plane in planes.items():
        if plane.shape != data.shape[-2:]:
            raise ValueError(f"{name}: found shape {plane.shape}, expected {data.shape[-2:]}")
