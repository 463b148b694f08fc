"""Read-noise variance of ramps that lost groups to charge migration."""

from collections.abc import Sequence
from dataclasses import replace

from array_api_compat import array_namespace

from gpipe import dq
from gpipe.arrays import Array, Namespace
from gpipe.ramp_fitting.groups import Groups
from gpipe.ramp_fitting.rates import Rates
from gpipe.ramp_fitting.segments import find_segments
from gpipe.ramp_fitting.sums import lone_time
from gpipe.ramp_fitting.timing import Timing
from gpipe.ramp_fitting.variances import NoiseUnits, read_noise_variance

WITHDRAWN = dq.CHARGELOSS | dq.DO_NOT_USE


def has_charge_loss(groupdq: Array) -> Array:
    """Tell whether any sample is flagged CHARGELOSS; bool, no axes."""
    xp = array_namespace(groupdq)
    return xp.any((groupdq & dq.CHARGELOSS) != 0)


def restore_lost_groups(
    exposure: Rates,
    integrations: Rates,
    flags: Sequence[Array],
    groups: Groups,
    units: NoiseUnits,
    timing: Timing,
    *,
    xp: Namespace,
) -> tuple[Rates, Rates]:
    """Give ramps with CHARGELOSS the read-noise variance that they would have with those groups.

    Slopes, Poisson variances and errors stay those of the groups that were fitted: only VAR_RNOISE, which weights the
    pixels when exposures are combined, must not depend on the brightness of the source.

    Parameters
    ----------
    flags : uint8, one plane (integration, row, column) a group, as they were before ramps were suppressed.

    Notes
    -----
    https://jwst-pipeline.readthedocs.io/en/latest/jwst/ramp_fitting/description.html#charge-migration-special-case
    """
    lost = (groups.seen & dq.CHARGELOSS) != 0
    whole = [flag ^ (xp.astype((flag & dq.CHARGELOSS) != 0, flag.dtype) * WITHDRAWN) for flag in flags]
    segments = find_segments(whole, xp=xp)
    time = lone_time(groups, segments.lone, timing, xp=xp)
    reading = 6.0 * time * time
    for length in segments.length:
        n = xp.astype(length, reading.dtype)
        reading = reading + n * (n + 1.0)
    variance = xp.where(lost, read_noise_variance(reading, units, xp=xp), integrations.var_rnoise)
    information = xp.sum(xp.where(variance > 0, 1.0 / xp.where(variance > 0, variance, 1.0), 0.0), axis=0)
    renewed = xp.any(lost, axis=0) & (information > 0)
    overall = xp.where(renewed, 1.0 / xp.where(renewed, information, 1.0), exposure.var_rnoise)
    return replace(exposure, var_rnoise=overall), replace(integrations, var_rnoise=variance)
