"""Parameters chosen by what an image is like."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Thresholds above which a statistic of an image counts as high.

    Attributes
    ----------
    masked : share of pixels that are not background.
    offset : between channels, DN/s.
    slope, steep_slope : DN/s/pixel; ``steep_slope`` where channels differ or the mask is small.
    slope_ratio : of the steeper to the flatter of the two slopes.
    scatter : DN/s.
    scatter_rows : first and last row of the measured scatter, as shares of the rows.
    """

    masked: float
    offset: float = 0.07
    slope: float = 1e-5
    steep_slope: float
    slope_ratio: float
    scatter: float = 0.02
    scatter_rows: tuple[float, float]


THRESHOLDS = {
    "NIS_IMAGE": Thresholds(masked=0.07, steep_slope=1e-4, slope_ratio=5.0, scatter_rows=(10 / 12, 11 / 12)),
    "NRC_IMAGE": Thresholds(masked=0.1, steep_slope=1e-5, slope_ratio=3.0, scatter_rows=(3 / 8, 5 / 8)),
}
"""Thresholds by exposure type; the parameters of other types are not chosen automatically."""


def choose(
    thresholds: Thresholds,
    *,
    masked: float,
    row_slope: float,
    column_slope: float,
    channel_offset: float,
    scatter: float,
) -> dict[str, Any]:
    """``background_method`` and ``fit_by_channel`` for an image with these statistics (see ``ImageStatistics``)."""
    flat, steep = sorted((abs(row_slope), abs(column_slope)))
    crowded, offset = masked >= thresholds.masked, channel_offset >= thresholds.offset
    sloping, very_steep = steep >= thresholds.slope, steep >= thresholds.steep_slope
    one_direction = steep >= thresholds.slope_ratio * flat
    if crowded:
        return _parameters(model=very_steep if offset else sloping, by_channel=False)
    if offset:
        return _parameters(model=False, by_channel=True)
    by_channel = channel_offset > 0 and scatter >= thresholds.scatter
    return _parameters(model=very_steep or (sloping and not one_direction), by_channel=by_channel)


def _parameters(*, model: bool, by_channel: bool) -> dict[str, Any]:
    return {"background_method": "model" if model else "median", "fit_by_channel": by_channel}
