"""Limits of values that count as background."""

from dataclasses import dataclass

from array_api_compat import array_namespace

from gpipe.arrays import Array
from gpipe.arrays.ranked import Ranked, Span, between, everything, mirrored_clip, moments, rank_values, sigma_clip
from gpipe.background_mask.histogram import fit_peak
from gpipe.background_mask.images import pixels

CLIP = 3.0
"""Standard deviations at which values are clipped before centre and width are taken."""


@dataclass(frozen=True)
class Limits:
    """Lowest and highest value of the background, each (…, 1)."""

    lower: Array
    upper: Array


def background_limits(
    ranked: Ranked,
    *,
    below: float,
    above: float,
    within: Span | None = None,
    lower_half_only: bool = False,
    fit_histogram: bool = False,
) -> Limits:
    """Limits at ``below`` and ``above`` standard deviations from the centre of a distribution.

    Centre and deviation are those of the values that sigma clipping leaves. With ``lower_half_only`` the deviation is
    that of the values below the centre and of their mirror images, because light makes a tail above. With
    ``fit_histogram`` (one distribution at a time) the centre of the clipping is the mean, and a Gaussian fitted to a
    histogram then gives centre and deviation, unless the fit fails.

    Parameters
    ----------
    ranked : the values.
    within : those of them to use; by default all.
    """
    span = everything(ranked) if within is None else within
    found = moments(ranked, sigma_clip(ranked, limit=CLIP, within=span))
    centre, deviation = (found.mean if fit_histogram else found.median), found.deviation
    if lower_half_only:
        deviation = mirrored_clip(ranked, centre, limit=CLIP, within=span)
    if fit_histogram:
        centre, deviation = fit_peak(ranked, span, centre, deviation, mirrored=lower_half_only)
    return Limits(centre - below * deviation, centre + above * deviation)


def clip_to_background(
    image: Array,
    mask: Array,
    *,
    below: float = 3.0,
    above: float = 2.0,
    lower_half_only: bool = False,
    fit_histogram: bool = False,
) -> Array:
    """Take pixels out of a mask that do not look like background.

    Parameters
    ----------
    image : float32, (…, row, column); ``fit_histogram`` takes one image at a time.
    mask : bool, (…, row, column), where to look for background.

    Returns
    -------
    bool, (…, row, column): ``mask`` and a value between ``background_limits``; NaN are taken out.
    """
    xp = array_namespace(image, mask)
    ranked = rank_values(pixels(image, xp=xp), pixels(mask, xp=xp))
    limits = background_limits(
        ranked, below=below, above=above, lower_half_only=lower_half_only, fit_histogram=fit_histogram
    )
    return mask & inside(image, limits)


def inside(image: Array, limits: Limits) -> Array:
    """Mark the values of images, (…, row, column), between their limits, these included."""
    xp = array_namespace(image)
    lower, upper = (xp.astype(bound, image.dtype)[..., None] for bound in (limits.lower, limits.upper))
    return (image >= lower) & (image <= upper)


@dataclass(frozen=True)
class Level:
    """The level of a background, and how it was found.

    Attributes
    ----------
    value : float32, (…, 1, 1).
    mask : bool, (…, row, column), of the pixels of the background.
    ranked, span : all values, and those of the background.
    """

    value: Array
    mask: Array
    ranked: Ranked
    span: Span


def median_level(image: Array, mask: Array) -> Level:
    """The median of what looks like background: between limits of 3 standard deviations of the lower half.

    Parameters
    ----------
    image : float32, (…, row, column).
    mask : bool, (…, row, column), where to look.
    """
    xp = array_namespace(image, mask)
    ranked = rank_values(pixels(image, xp=xp), pixels(mask, xp=xp))
    limits = background_limits(ranked, below=CLIP, above=CLIP, lower_half_only=True)
    span = between(ranked, limits.lower, limits.upper)
    value = xp.astype(moments(ranked, span).median, image.dtype)[..., None]
    return Level(value, mask & inside(image, limits), ranked, span)
