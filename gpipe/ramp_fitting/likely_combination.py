"""One rate from the rates of several integrations."""

from gpipe import dq
from gpipe.arrays import Array, Namespace
from gpipe.arrays.nan import nanmedian
from gpipe.ramp_fitting.rates import Rates

ROUNDS = 2


def combine_integrations(integrations: Rates, *, xp: Namespace) -> Rates:
    """Mean of the rates with weights that do not depend on how the photons fell.

    The photon variance of each integration is scaled to the common rate, w = 1 / (V_P rate / rate_i + V_R), first the
    median of the integrations, then the mean that results. Weights with variances as they are would favour
    integrations that came out faint. A scale that is negative or not finite counts as 0.

    Returns
    -------
    Rates (row, column); NaN, also as variances, where no integration has a rate. All flags of the integrations, but
    DO_NOT_USE only if all have it.
    """
    slope = nanmedian(integrations.slope, axis=0, xp=xp)
    for _ in range(ROUNDS):
        photons = integrations.var_poisson * _scale(slope, integrations.slope, xp=xp)
        variance = photons + integrations.var_rnoise
        weight = 1.0 / xp.where(variance > 0, variance, xp.nan)
        weight = weight / _sum(weight, xp=xp)
        slope = _sum(integrations.slope * weight, xp=xp)
    var_poisson = _sum(photons * weight * weight, xp=xp)
    var_rnoise = _sum(integrations.var_rnoise * weight * weight, xp=xp)
    variance = var_poisson + var_rnoise
    return Rates(
        slope=slope,
        dq=_flags(integrations.dq, xp=xp),
        var_poisson=var_poisson,
        var_rnoise=var_rnoise,
        err=xp.sqrt(xp.where(variance >= 0, variance, xp.nan)),
    )


def _scale(common: Array, each: Array, *, xp: Namespace) -> Array:
    nonzero = xp.where(each != 0, each, xp.nan)
    ratio = common / nonzero
    return xp.where(ratio > 0, ratio, 0.0)


def _sum(x: Array, *, xp: Namespace) -> Array:
    """Sum over integrations, NaN left out; NaN if all are NaN."""
    missing = xp.isnan(x)
    total = xp.sum(xp.where(missing, 0.0, x), axis=0)
    return xp.where(xp.all(missing, axis=0), xp.nan, total)


def _flags(flags: Array, *, xp: Namespace) -> Array:
    together = flags[0, ...]
    for k in range(1, flags.shape[0]):
        together = together | flags[k, ...]
    never = xp.astype(~xp.all((flags & dq.DO_NOT_USE) != 0, axis=0), xp.uint32) * dq.DO_NOT_USE
    return together & (0xFFFFFFFF ^ never)
