"""Variances of slopes."""

from dataclasses import dataclass

from gpipe.arrays import Array, Namespace
from gpipe.ramp_fitting.sums import Sums

LARGEST = 1.0e8  # of a gain or read noise, far beyond any detector; their fourth powers fit into float32
LARGEST_VARIANCE = 1.0e30  # (DN/s)^2; sums and products of smaller ones fit into float32


@dataclass(frozen=True)
class NoiseUnits:
    """Variances of a slope whose sums over segments are 1; float32 planes (row, column), (DN/s)^2.

    Attributes
    ----------
    reading : read-noise variance, 12 R^2 / (t g)^2; 0 where the noise is unknown: the pixel has no rate.
    photons : Poisson variance, (rate + dark current) / (t g), not negative; 0 where the noise is unknown.
    """

    reading: Array
    photons: Array


def known_reference(reference: Array, *, xp: Namespace) -> Array:
    """A gain or read noise; NaN where it is not positive, not finite, or no number that a detector can have.

    Parameters
    ----------
    reference : float32, (row, column).
    """
    return xp.where((reference > 1.0 / LARGEST) & (reference < LARGEST), reference, xp.nan)


def noise_units(
    readnoise: Array, gain: Array, rate: Array, dark_current: Array | None, group_time: float, *, xp: Namespace
) -> NoiseUnits:
    """Noise of a pixel per unit of information.

    Parameters
    ----------
    readnoise : float32, (row, column), R in electrons, of one group; NaN where it is unknown.
    gain : float32, (row, column), g in electrons / DN; NaN where it is unknown.
    rate : float32, (row, column), estimate in DN/s; a negative or missing one counts as 0.
    dark_current : float32, (row, column), added to the rate as jwst does, or None for 0; a negative sum counts as 0.
        Where it is not finite the noise is unknown.
    group_time : t in seconds.
    """
    per_group = readnoise / (gain * group_time)
    flux = xp.where(rate > 0, rate, 0.0)
    if dark_current is not None:
        flux = not_negative(flux + dark_current, xp=xp)
    reading, photons = 12.0 * per_group * per_group, flux / (gain * group_time)
    is_known = (reading > 0) & (xp.abs(photons) < LARGEST_VARIANCE)
    return NoiseUnits(reading=xp.where(is_known, reading, 0.0), photons=xp.where(is_known, photons, 0.0))


def not_negative(flux: Array, *, xp: Namespace) -> Array:
    """Return 0 for a negative flux: a dark current measured below 0 takes no noise away. NaN and -infinity stay."""
    return xp.where((flux < 0) & (flux > -LARGEST_VARIANCE), 0.0, flux)


def read_noise_variance(reading: Array, units: NoiseUnits, *, xp: Namespace) -> Array:
    """Read-noise variance from ``Sums.reading``; 0 where nothing was fitted or the noise is unknown."""
    variance = units.reading / xp.where(reading > 0, reading, 1.0)
    return xp.where(reading > 0, variance, 0.0)


def poisson_variance(photons: Array, units: NoiseUnits, *, xp: Namespace) -> Array:
    """Poisson variance from ``Sums.photons``; 0 where the rate is not positive or nothing was fitted."""
    variance = units.photons / xp.where(photons > 0, photons, 1.0)
    return xp.where((photons > 0) & (variance > 0), variance, 0.0)


def combined_error(sums: Sums, units: NoiseUnits, *, xp: Namespace) -> Array:
    """1-sigma error of the slope of each integration from both noises; arbitrary where the noise is unknown.

    err^2 = 1 / Σ_s 1 / (var_read,s + var_Poisson,s); each step between groups contributes its share of its segment's
    term, 1 / (photons + reading / (n (n + 1))).
    """
    reading = xp.where(units.reading > 0, units.reading, 1.0)
    time = sums.lone_time
    information = 6.0 * time * time / (6.0 * time * units.photons + reading)
    for moment in sums.moments:
        information = information + moment / (moment * units.photons + reading)
    variance = 1.0 / xp.where(information == 0, xp.inf, information)
    return xp.sqrt(xp.where(variance < 0, xp.nan, variance))
