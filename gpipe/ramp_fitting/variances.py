"""Variances of slopes."""

from dataclasses import dataclass

from gpipe.arrays import Array, Namespace
from gpipe.ramp_fitting.sums import Sums

LARGE_VARIANCE = 1.0e6  # (DN/s)^2; a variance from here on is reported as 0, that is "unknown"
TINY = 1.0e-30


@dataclass(frozen=True)
class NoiseUnits:
    """Variances of a slope whose sums over segments are 1; float32 planes (row, column), (DN/s)^2.

    Attributes
    ----------
    reading : read-noise variance, 12 R^2 / (t g)^2.
    photons : Poisson variance, (rate + dark current) / (t g).
    """

    reading: Array
    photons: Array


def noise_units(
    readnoise: Array, gain: Array, rate: Array, dark_current: Array | None, group_time: float, *, xp: Namespace
) -> NoiseUnits:
    """Noise of a pixel per unit of information.

    Parameters
    ----------
    readnoise : float32, (row, column), R in electrons, of one group.
    gain : float32, (row, column), g in electrons / DN, positive.
    rate : float32, (row, column), estimate in DN/s; a negative or missing one counts as 0.
    dark_current : float32, (row, column), added to the rate as jwst does, or None for 0.
    group_time : t in seconds.
    """
    per_group = readnoise / (gain * group_time)
    flux = xp.where(rate > 0, rate, 0.0)
    if dark_current is not None:
        flux = flux + dark_current
    return NoiseUnits(reading=12.0 * per_group * per_group, photons=flux / (gain * group_time))


def read_noise_variance(reading: Array, units: NoiseUnits, *, xp: Namespace) -> Array:
    """Read-noise variance from ``Sums.reading``; NaN stays NaN, 0 where nothing was fitted or it is very large."""
    variance = units.reading / xp.where(reading > 0, reading, 1.0)
    return xp.where((reading <= 0) | (variance >= LARGE_VARIANCE), 0.0, variance)


def poisson_variance(photons: Array, units: NoiseUnits, *, xp: Namespace) -> Array:
    """Poisson variance from ``Sums.photons``; 0 where the rate is not positive, nothing was fitted or it is large."""
    variance = units.photons / xp.where(photons > 0, photons, 1.0)
    known = (photons > 0) & (variance > 0) & (variance < LARGE_VARIANCE)
    return xp.where(known, variance, 0.0)


def combined_error(sums: Sums, units: NoiseUnits, *, xp: Namespace) -> Array:
    """1-sigma error of the slope of each integration from both noises.

    err^2 = 1 / Σ_s 1 / (var_read,s + var_Poisson,s); each step between groups contributes its share of its segment's
    term, 1 / (photons + reading / (n (n + 1))).
    """
    reading = xp.where(units.reading > 0, units.reading, TINY)
    time = sums.lone_time
    information = 6.0 * time * time / (6.0 * time * units.photons + reading)
    for moment in sums.moments:
        information = information + moment / (moment * units.photons + reading)
    variance = 1.0 / xp.where(information == 0, xp.inf, information)
    error = xp.sqrt(xp.where(variance < 0, xp.nan, variance))
    error = xp.where(xp.isnan(units.reading), xp.nan, error)
    return xp.where(variance > LARGE_VARIANCE, 0.0, error)
