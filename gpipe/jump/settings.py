"""Settings of the searches for large events."""

from dataclasses import dataclass

from gpipe.jump.shower_light import LightSettings


@dataclass(frozen=True, kw_only=True)
class SnowballSettings:
    """Settings of the search for snowballs: their criteria, and the extent of their flags.

    Attributes
    ----------
    min_jump_area, min_sat_area : pixels of the smallest event, and of its newly saturated core.
    expand_factor : how much larger than the event the flagged ellipse is.
    sat_required : whether an event needs a core; if not, cores are not grown either.
    min_sat_radius_extend : pixels, length of a core's minor axis from which it is grown.
    sat_expand : pixels by which both axes of a core grow.
    edge_size : pixels from the edge of the image within which an event needs no core.
    max_axis : pixels, longest axis of anything that is drawn.
    next_integration_groups : groups at the start of the next integration that are flagged where cores were; 0 for none.
    """

    min_jump_area: float
    min_sat_area: float
    expand_factor: float
    sat_required: bool
    min_sat_radius_extend: float
    sat_expand: float
    edge_size: int
    max_axis: float
    next_integration_groups: int


@dataclass(frozen=True, kw_only=True)
class ShowerSettings:
    """Areas of light that are showers, and how far their flags reach.

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
    """Settings of the search for showers in an exposure.

    Attributes
    ----------
    light : what counts as their light.
    areas : which areas of light are showers.
    largest_change : electron per group; flags that change the rate of a pixel by more are taken back.
    """

    light: LightSettings
    areas: ShowerSettings
    largest_change: float
