"""Statistics of an image, for the choice of parameters."""

from dataclasses import dataclass

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, Namespace, accumulator_dtype
from gpipe.arrays.detector import DETECTOR_SIZE
from gpipe.arrays.ranked import moments, rank_values, sigma_clip
from gpipe.background_mask.background import FillGaps, background_model
from gpipe.background_mask.limits import clip_to_background, median_level
from gpipe.clean_flicker_noise.stripes import fit_stripes

CHANNEL = 512
MIDDLE = (3 / 8, 5 / 8)
"""Part of the rows, and of the columns, that profiles are averaged over."""


@dataclass(frozen=True)
class ImageStatistics:
    """Numbers, each an array of shape (1,).

    Attributes
    ----------
    masked : share of pixels that are not background.
    row_slope, column_slope : of the background, along columns (from row to row) and along rows, DN/s/pixel.
    channel_offset : largest step between neighbouring channels, DN/s; 0 unless the frame is full.
    scatter : standard deviation of a profile along columns, about a line, DN/s.
    """

    masked: Array
    row_slope: Array
    column_slope: Array
    channel_offset: Array
    scatter: Array


def image_statistics(
    rate: Array, *, axis: int, scatter_rows: tuple[float, float] = MIDDLE, fill_gaps: FillGaps
) -> ImageStatistics:
    """Statistics of a rate image after a quick cleaning by medians, with background in place of sources.

    Parameters
    ----------
    rate : float32, (row, column), DN/s, divided by the flat if that will be used.
    axis : along which noise is the same and channels follow each other: 1 for rows, 0 for columns.
    scatter_rows : from which to which share of the rows the scatter is measured.
    """
    xp = array_namespace(rate)
    image, mask = _quick_clean(rate, axis, xp=xp)
    found = background_model(image, mask, fill_gaps=fill_gaps)
    image = xp.where(found.mask, image, found.level)
    by_column, by_row = _profile(image, 0, MIDDLE, xp=xp), _profile(image, 1, MIDDLE, xp=xp)
    numbers = (
        xp.mean(xp.astype(~found.mask, by_row.dtype)),
        _line(by_row, xp=xp)[0],
        _line(by_column, xp=xp)[0],
        _channel_offset(by_column if axis == 1 else by_row, xp=xp),
        _line(_profile(image, 0, scatter_rows, xp=xp), xp=xp)[1],
    )
    return ImageStatistics(*(xp.reshape(number, (1,)) for number in numbers))


def _quick_clean(rate: Array, axis: int, *, xp: Namespace) -> tuple[Array, Array]:
    mask = clip_to_background(rate, xp.ones(rate.shape, dtype=xp.bool, device=device(rate)))
    missing = xp.isnan(rate)
    image = xp.where(missing, 0.0, rate)
    level = median_level(image, mask & ~missing)
    rest = image - level.value
    background = clip_to_background(rest, level.mask, lower_half_only=True)
    cleaned = rest - fit_stripes(rest, background, axis=axis) + level.value
    return xp.where(missing, xp.nan, cleaned), background


def _profile(image: Array, axis: int, part: tuple[float, float], *, xp: Namespace) -> Array:
    """Mean over part of one axis."""
    start, stop = (round(share * image.shape[axis]) for share in part)
    section = image[start:stop, :] if axis == 0 else image[:, start:stop]
    return xp.sum(section, axis=axis, dtype=accumulator_dtype(image, xp=xp)) / section.shape[axis]


def _line(profile: Array, *, xp: Namespace) -> tuple[Array, Array]:
    """Slope of a straight line through a profile, and the standard deviation about it without outliers of 10 sigma."""
    x = xp.arange(profile.shape[0], dtype=profile.dtype, device=device(profile)) - (profile.shape[0] - 1) / 2
    mean = xp.mean(profile)
    slope = xp.sum(x * (profile - mean)) / xp.clip(xp.sum(x * x), 1.0, None)
    return slope, _clipped(profile - mean - slope * x, 10.0, xp=xp).deviation[0]


def _channel_offset(profile: Array, *, xp: Namespace) -> Array:
    if profile.shape[0] != DETECTOR_SIZE:
        return xp.zeros_like(profile[0])
    levels = _clipped(xp.reshape(profile, (-1, CHANNEL)), 3.0, xp=xp).mean[:, 0]
    return xp.max(xp.abs(levels[1:] - levels[:-1]))


def _clipped(values: Array, limit: float, *, xp: Namespace):
    ranked = rank_values(values, xp.isfinite(values))
    return moments(ranked, sigma_clip(ranked, limit=limit))
