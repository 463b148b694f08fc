"""Weights of pixels: which are good, and how much each of them counts."""

from array_api_compat import array_namespace

from gpipe import dq
from gpipe.arrays import Array
from gpipe.exceptions import InputError

BAD = dq.DO_NOT_USE | dq.NON_SCIENCE
SMALLEST = 3e-39
"""Variance whose inverse float32 still has."""


def good_pixels(flags: Array) -> Array:
    """Pixels without DO_NOT_USE and NON_SCIENCE, bool."""
    return (flags & BAD) == 0


def inverse_variance(var_rnoise: Array, flags: Array) -> Array:
    """Weights by the variance of read noise.

    Parameters
    ----------
    var_rnoise : float32, (row, column).
    flags : uint32, (row, column).

    Returns
    -------
    float32, 1 / variance; 0 where that is not finite, and in bad pixels.
    """
    xp = array_namespace(var_rnoise, flags)
    is_known = (xp.abs(var_rnoise) > SMALLEST) & xp.isfinite(var_rnoise) & good_pixels(flags)
    return xp.where(is_known, 1.0 / xp.where(is_known, var_rnoise, 1.0), 0.0)


def same_for_all(time: float, flags: Array) -> Array:
    """Weights by the time of the exposure, seconds: float32, 0 in bad pixels."""
    xp = array_namespace(flags)
    return xp.astype(good_pixels(flags), xp.float32) * time


def weighting_time(measurement_time: float | None, exposure_time: float | None, *, name: str) -> float:
    """Find the time to weight an exposure by: TMEASURE, or EFFEXPTM where that is missing, seconds.

    Raises
    ------
    InputError
        The time is missing or not above 0.
    """
    keyword, time = ("EFFEXPTM", exposure_time) if measurement_time is None else ("TMEASURE", measurement_time)
    if time is None or not time > 0:
        raise InputError(f"{name}: found {keyword} {time}; weight_type='exptime' expects a time above 0")
    return time


def check_read_noise(var_rnoise: Array | None, *, name: str) -> None:
    """Check that an exposure has the variance that it is weighted by.

    Raises
    ------
    InputError
        The variance of read noise is missing.
    """
    if var_rnoise is None:
        raise InputError(f"{name}: found no VAR_RNOISE, which weight_type='ivm' expects; try weight_type='exptime'")


def without_background(data: Array, level: float | None, *, subtracted: bool | None) -> Array:
    """Subtract the level of background that the header has (BKGLEVEL), unless it is subtracted already (BKGSUB)."""
    return data if level is None or subtracted else data - level
