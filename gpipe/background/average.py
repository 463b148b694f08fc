"""Average of background exposures: the mean of what sigma clipping keeps."""

import math
from typing import NamedTuple

from array_api_compat import array_namespace

from gpipe.arrays import Array, Namespace, accumulator_dtype
from gpipe.arrays.masked_median import masked_median
from gpipe.arrays.memory import is_on_host


class Clipping(NamedTuple):
    """Limits of sigma clipping: ``sigma`` standard deviations from the median, at most ``maxiters`` times."""

    sigma: float
    maxiters: int | None = None


class Average(NamedTuple):
    """Mean of the values that are kept, NaN where none is; and the values that are kept, bool, as the values."""

    mean: Array
    kept: Array


def clipped_average(planes: Array, clipping: Clipping) -> Average:
    """Average planes pixel by pixel, without outliers.

    Values further than ``sigma`` standard deviations from the median are left out, again and again until there are
    none. The bounds that were found last hold for all values.

    Parameters
    ----------
    planes : real floating, (exposure, row, column). Values that are not finite are left out.

    Returns
    -------
    The mean is in the accumulation dtype.

    Notes
    -----
    As https://docs.astropy.org/en/stable/api/astropy.stats.sigma_clip.html does with these limits.
    """
    xp = array_namespace(planes)
    known = xp.isfinite(planes)
    values = xp.astype(xp.where(known, planes, 0.0), accumulator_dtype(planes, xp=xp))
    kept = known
    if not keeps_all(planes.shape[0], clipping.sigma):
        flat_values, flat_known = (xp.reshape(x, (planes.shape[0], -1)) for x in (values, known))
        kept = xp.reshape(_clipped(flat_values, flat_known, flat_known, clipping, xp), planes.shape)
    return Average(_mean(values, kept, xp), kept)


def error_of_mean(variances: Array, kept: Array) -> Array:
    """Error of a mean from the variances of the values that are kept; NaN where none is, or where one is NaN."""
    xp = array_namespace(variances, kept)
    exact = xp.astype(variances, accumulator_dtype(variances, xp=xp))
    count = _count(kept, exact.dtype, xp)
    return xp.where(count > 0, xp.sqrt(_sum(exact, kept, xp)) / xp.clip(count, 1.0, None), xp.nan)


def keeps_all(number: int, sigma: float) -> bool:
    """Tell whether clipping keeps so many values whatever they are.

    None of n values lies further than sqrt(n - 1) standard deviations from their mean, nor the median further than one.
    """
    return math.sqrt(number - 1) + 1 <= sigma


def _clipped(values: Array, known: Array, inside: Array, clipping: Clipping, xp: Namespace) -> Array:
    """Values within the bounds that are found last, the first ones from those inside; (exposure, pixel)."""
    lower, upper = _bounds(values, inside, clipping.sigma, xp)
    within = known & (values >= lower) & (values <= upper)
    left = inside & within
    again = xp.any(left != inside, axis=0)
    if clipping.maxiters == 1 or not bool(xp.any(again)):
        return within
    following = clipping._replace(maxiters=clipping.maxiters and clipping.maxiters - 1)
    if not is_on_host(values):
        return _clipped(values, known, left, following, xp)
    # Most pixels have no outlier.
    within[:, again] = _clipped(values[:, again], known[:, again], left[:, again], following, xp)
    return within


def _bounds(values: Array, inside: Array, sigma: float, xp: Namespace) -> tuple[Array, Array]:
    """Median minus and plus some standard deviations, of values that are inside; NaN where none is."""
    planes = range(values.shape[0])
    middle = masked_median([values[n, ...] for n in planes], [inside[n, ...] for n in planes], xp=xp)
    off = values - _mean(values, inside, xp)
    reach = sigma * xp.sqrt(_mean(off * off, inside, xp))
    return middle - reach, middle + reach


def _mean(values: Array, kept: Array, xp: Namespace) -> Array:
    """Mean over the first axis; NaN where nothing is kept."""
    count = _count(kept, values.dtype, xp)
    return xp.where(count > 0, _sum(values, kept, xp) / xp.clip(count, 1.0, None), xp.nan)


def _sum(values: Array, kept: Array, xp: Namespace) -> Array:
    return xp.sum(xp.where(kept, values, 0.0), axis=0)


def _count(kept: Array, dtype: object, xp: Namespace) -> Array:
    return xp.astype(xp.count_nonzero(kept, axis=0), dtype)
