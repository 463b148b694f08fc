"""Settings of the searches of the jump step, made from its parameters.

``given`` holds the values of the step's parameters by their names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gpipe.jump.shower_light import LightSettings, ring_offsets

ELECTRONS_PER_DN = 1.5
"""With it the default of max_shower_amplitude, 4 DN/s, means the 6 electron/s that jwst compares with."""


@dataclass(frozen=True, kw_only=True)
class ShowerSettings:
    """Which areas are showers, and how far their flags reach.

    Attributes
    ----------
    min_area : pixels of the smallest area, enclosed pixels included.
    expand_ratio : how much larger than the area the flagged ellipse is.
    max_axis : pixels, longest axis of anything that is drawn.
    later_groups : groups after it that are flagged, too.
    """

    min_area: float
    expand_ratio: float
    max_axis: float
    later_groups: int


@dataclass(frozen=True, kw_only=True)
class ShowerSearch:
    """How showers are looked for in an exposure.

    Attributes
    ----------
    light : what counts as their light.
    areas : which areas of light are showers.
    largest_change : electron per group; flags that change the rate of a pixel by more are taken back.
    """

    light: LightSettings
    areas: ShowerSettings
    largest_change: float


def shower_search(given: Mapping[str, Any], *, integrations: int, frames: int, group_time: float) -> ShowerSearch:
    """Settings for an exposure of so many integrations, with groups of ``frames`` frames that take ``group_time`` s."""
    return ShowerSearch(
        light=LightSettings(
            frames=frames,
            threshold=given["extend_snr_threshold"],
            ring=ring_offsets(given["extend_inner_radius"], given["extend_outer_radius"]),
            by_group=integrations >= given["minimum_sigclip_groups"],
        ),
        areas=ShowerSettings(
            min_area=given["extend_min_area"],
            expand_ratio=given["extend_ellipse_expand_ratio"],
            max_axis=2 * given["max_extended_radius"],
            later_groups=int(given["time_masked_after_shower"] // group_time),
        ),
        largest_change=ELECTRONS_PER_DN * given["max_shower_amplitude"] * group_time,
    )
