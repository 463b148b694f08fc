"""Rates, errors and data quality of integrations and of the exposure, from the sums over segments."""

from dataclasses import dataclass, replace

from gpipe import dq
from gpipe.arrays import Array, Namespace
from gpipe.ramp_fitting.groups import UNUSABLE, Groups
from gpipe.ramp_fitting.sums import Sums
from gpipe.ramp_fitting.variances import NoiseUnits, combined_error, poisson_variance, read_noise_variance

HANDED_ON = dq.JUMP_DET | dq.PERSISTENCE


@dataclass(frozen=True)
class Rates:
    """Count rates of the exposure (row, column) or of its integrations (integration, row, column).

    Attributes
    ----------
    slope : float32, DN/s; NaN where nothing could be fitted.
    dq : uint32.
    var_poisson, var_rnoise : float32, (DN/s)^2; 0 where there is no slope.
    err : float32, DN/s, 1 sigma, both noises.
    """

    slope: Array
    dq: Array
    var_poisson: Array
    var_rnoise: Array
    err: Array


def pixel_quality(pixeldq: Array, gain: Array, noise_is_known: Array, *, xp: Namespace) -> Array:
    """The pixels' own flags, with DO_NOT_USE where the noise is unknown, and NO_GAIN_VALUE for want of a gain.

    Parameters
    ----------
    gain : float32, (row, column), NaN where it is unknown.
    noise_is_known : bool, (row, column).
    """
    no_gain = _flag(xp.isnan(gain), dq.DO_NOT_USE | dq.NO_GAIN_VALUE, xp=xp)
    return pixeldq | no_gain | _flag(~noise_is_known, dq.DO_NOT_USE, xp=xp)


def integration_rates(
    sums: Sums, groups: Groups, quality: Array, units: NoiseUnits, group_time: float, *, xp: Namespace
) -> Rates:
    """Rates of all integrations.

    slope = var_read Σ_s b_s / var_read,s with 1 / var_read = Σ_s 1 / var_read,s, and var_Poisson likewise; err from the
    sum of both variances of each segment. JUMP_DET, PERSISTENCE and SATURATED are set if one group has them, DO_NOT_USE
    if the ramp was not fitted.
    """
    flags = quality | xp.astype(groups.seen & HANDED_ON, quality.dtype)
    flags = flags | _flag(sums.reading <= 0, dq.DO_NOT_USE, xp=xp)
    flags = flags | _flag(groups.saturated_from_start, dq.SATURATED, xp=xp)
    rates = Rates(
        slope=_slope(sums.signal, sums.reading, group_time, xp=xp),
        dq=flags,
        var_poisson=poisson_variance(sums.photons, units, xp=xp),
        var_rnoise=read_noise_variance(sums.reading, units, xp=xp),
        err=combined_error(sums, units, xp=xp),
    )
    rates = _blank(rates, (flags & UNUSABLE) != 0, xp=xp)
    return replace(rates, dq=flags | _flag(_partly_saturated(groups), dq.SATURATED, xp=xp))


def exposure_rates(
    sums: Sums,
    groups: Groups,
    integrations: Rates,
    quality: Array,
    units: NoiseUnits,
    group_time: float,
    *,
    xp: Namespace,
) -> Rates:
    """Rates of the exposure: all segments of all integrations, combined as those of one integration are.

    err^2 = var_read + var_Poisson. DO_NOT_USE and SATURATED void the rate only if they void it in every integration;
    SATURATED is set all the same if one group of one integration has it.
    """
    reading, photons = xp.sum(sums.reading, axis=0), xp.sum(sums.photons, axis=0)
    signal = xp.sum(sums.signal, axis=0)
    var_poisson = poisson_variance(photons, units, xp=xp)
    var_rnoise = read_noise_variance(reading, units, xp=xp)
    flags = quality
    for bit in (dq.JUMP_DET, dq.PERSISTENCE):
        flags = flags | _flag(xp.any((groups.seen & bit) != 0, axis=0), bit, xp=xp)
    flags = flags | _flag(xp.all((integrations.dq & dq.DO_NOT_USE) != 0, axis=0), dq.DO_NOT_USE, xp=xp)
    flags = flags | _flag(xp.all(groups.saturated_from_start, axis=0), dq.SATURATED, xp=xp)
    rates = Rates(
        slope=_slope(signal, reading, group_time, xp=xp),
        dq=flags,
        var_poisson=var_poisson,
        var_rnoise=var_rnoise,
        err=xp.sqrt(var_poisson + var_rnoise),
    )
    rates = _blank(rates, (flags & UNUSABLE) != 0, xp=xp)
    return replace(rates, dq=flags | _flag(xp.any(_partly_saturated(groups), axis=0), dq.SATURATED, xp=xp))


def _slope(signal: Array, reading: Array, group_time: float, *, xp: Namespace) -> Array:
    return signal / (group_time * xp.where(reading > 0, reading, 1.0))


def _partly_saturated(groups: Groups) -> Array:
    """Mark ramps with a saturated group, unless it is the only group and the ZEROFRAME replaced it."""
    saturated = (groups.seen & dq.SATURATED) != 0
    return saturated & ~groups.from_zeroframe if len(groups.values) == 1 else saturated


def _blank(rates: Rates, void: Array, *, xp: Namespace) -> Rates:
    return Rates(
        slope=xp.where(void, xp.nan, rates.slope),
        dq=rates.dq,
        var_poisson=xp.where(void, 0.0, rates.var_poisson),
        var_rnoise=xp.where(void, 0.0, rates.var_rnoise),
        err=xp.where(void, 0.0, rates.err),
    )


def _flag(mask: Array, bits: int, *, xp: Namespace) -> Array:
    return xp.astype(mask, xp.uint32) * bits
