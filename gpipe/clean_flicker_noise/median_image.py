"""Median of the images of many integrations, scaled to the flux of each integration."""

from dataclasses import dataclass

from array_api_compat import array_namespace

from gpipe.arrays import Array, nanmedian


@dataclass(frozen=True)
class Scaling:
    """Light of each integration relative to the median, float32 (integration,), and whether it was measured there."""

    factor: Array
    measured: Array


def relative_light(rates: Array) -> Scaling:
    """Median of each integration, divided by the median of these medians.

    Parameters
    ----------
    rates : float32, (integration, row, column), DN/s; NaN are left out.

    Returns
    -------
    Scaling. An integration that cannot be measured gets the median of the others.
    """
    xp = array_namespace(rates)
    median = nanmedian(xp.reshape(rates, (rates.shape[0], -1)), axis=-1, xp=xp)
    typical = nanmedian(median, axis=0, xp=xp)
    relative = xp.where(typical != 0, median / xp.where(typical != 0, typical, 1.0), xp.nan)
    measured = xp.isfinite(relative)
    return Scaling(xp.where(measured, relative, nanmedian(relative, axis=0, xp=xp)), measured)


def scaled_median(data: Array, factor: Array) -> Array:
    """The median over all integrations, for each of them times its factor.

    Parameters
    ----------
    data : float32, (integration, row, column) or (integration, group, row, column). NaN are left out.
    factor : float32, (integration,).

    Returns
    -------
    Of the shape of ``data``. NaN where all integrations are NaN.
    """
    xp = array_namespace(data, factor)
    if data.ndim == 3:
        median = nanmedian(data, axis=0, xp=xp)
    else:  # group by group: sorting needs some copies of what it sorts
        median = xp.stack([nanmedian(data[:, j, ...], axis=0, xp=xp) for j in range(data.shape[1])])
    return xp.reshape(factor, (-1, *(1,) * median.ndim)) * median
