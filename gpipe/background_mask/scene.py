"""Mask of the background pixels of a draft rate; sources are left out."""

from array_api_compat import array_namespace

from gpipe.arrays import Array
from gpipe.background_mask.background import FillGaps, background_model
from gpipe.background_mask.limits import clip_to_background
from gpipe.dq import DO_NOT_USE, MSA_FAILED_OPEN, NO_FLAT_FIELD, NON_SCIENCE


def background_mask(
    rate: Array,
    science: Array | None = None,
    *,
    n_sigma: float,
    fit_histogram: bool = False,
    single: bool = True,
) -> Array:
    """Mask of the pixels between 3 standard deviations below and ``n_sigma`` above the background.

    Parameters
    ----------
    rate : float32, (row, column) or (integration, row, column). NaN and 0 are not background.
    science : bool, (row, column) or like ``rate``, pixels that are never background; None for none.
    n_sigma : 0 does not look for sources.
    fit_histogram : take centre and width from a Gaussian fitted to a histogram.
    single : make one mask for all integrations, of the pixels that are background in each of them.

    Returns
    -------
    bool, (row, column) or (integration, row, column).
    """
    xp = array_namespace(rate)
    planes = xp.reshape(rate, (-1, *rate.shape[-2:]))
    masks = []
    for i in range(planes.shape[0]):
        plane = planes[i, ...]
        mask = ~xp.isnan(plane) & (plane != 0)
        if science is not None:
            mask = mask & ~(science if science.ndim == 2 else science[i, ...])
        if n_sigma > 0:
            mask = clip_to_background(plane, mask, above=n_sigma, fit_histogram=fit_histogram)
        masks.append(mask)
    mask = xp.reshape(xp.stack(masks), rate.shape)
    return xp.all(mask, axis=0) if single and rate.ndim == 3 else mask


def science_pixels(lit: Array, dq: Array) -> Array:
    """Mark illuminated pixels, and NIRSpec pixels behind shutters that failed open.

    Parameters
    ----------
    lit : bool, (row, column).
    dq : uint32, (row, column) or (integration, row, column); MSA_FAILED_OPEN counts, in any integration.
    """
    xp = array_namespace(lit, dq)
    behind_open = (dq & MSA_FAILED_OPEN) != 0
    return lit | (xp.any(behind_open, axis=0) if dq.ndim == 3 else behind_open)


def dark_regions(
    dq: Array, flat: Array | None = None, flat_dq: Array | None = None, flat_err: Array | None = None
) -> Array:
    """Pixels of MIRI's imager that do not see the sky, by their own flags and by what a flat knows of them.

    Parameters
    ----------
    dq : uint32, (row, column) or (integration, row, column); DO_NOT_USE and NON_SCIENCE count.
    flat, flat_err : float32, (row, column). NaN, and a flat of 0, count.
    flat_dq : uint32, (row, column); DO_NOT_USE, NON_SCIENCE and NO_FLAT_FIELD count.

    Returns
    -------
    bool, like ``dq``.
    """
    xp = array_namespace(dq)
    dark = (dq & (DO_NOT_USE | NON_SCIENCE)) != 0
    if flat is None or flat_dq is None or flat_err is None:
        return dark
    unknown = xp.isnan(flat) | xp.isnan(flat_err) | (flat == 0)
    return dark | unknown | ((flat_dq & (DO_NOT_USE | NON_SCIENCE | NO_FLAT_FIELD)) != 0)


def flagged(dq: Array, dark: Array) -> Array:
    """Flags, uint32, with DO_NOT_USE where pixels are dark, bool."""
    xp = array_namespace(dq, dark)
    return xp.where(dark, dq | DO_NOT_USE, dq)


def without_gaps(flat: Array, *, fill_gaps: FillGaps) -> Array:
    """A flat that can be divided by: pixels that are 0 or not finite take the value of a smooth model of the others.

    Parameters
    ----------
    flat : float32, (row, column).
    fill_gaps : see `background_model`.
    """
    xp = array_namespace(flat)
    known = xp.isfinite(flat) & (flat != 0)
    smooth = background_model(xp.where(known, flat, xp.nan), known, fill_gaps=fill_gaps)
    return xp.where(known, flat, smooth.level)
