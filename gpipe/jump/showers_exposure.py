"""The jump step's search for showers."""

import logging

from gpipe.arrays import Array
from gpipe.datamodels import Ramp
from gpipe.exceptions import ParameterError
from gpipe.jump.settings import ShowerSearch
from gpipe.jump.shower_amplitude import keep_small_changes
from gpipe.jump.shower_light import faint_light, ring_offsets

log = logging.getLogger(__name__)

LEAST_DIFFERENCES = 10


def check_ring(label: str, inner: float, width: float) -> None:
    """Refuse radii without a pixel between them; ``label`` names the step."""
    if not ring_offsets(inner, width):
        raise ParameterError(
            f"{label}.extend_inner_radius, extend_outer_radius: found {inner}, {width}; expected a pixel at a distance "
            f"of {inner} to {inner + width:g}"
        )


def with_showers(
    exposure: Ramp, gain: Array, readnoise: Array, search: ShowerSearch, *, differences: int
) -> tuple[Array, int]:
    """Add the flags of showers to the group flags of an exposure; also return the number of showers.

    ``differences`` is the number of usable differences of groups in all integrations.
    """
    if differences < LEAST_DIFFERENCES:
        log.warning("no showers are looked for: found %d differences, expected %d", differences, LEAST_DIFFERENCES)
        return exposure.groupdq, 0
    # SciPy is imported only where showers are looked for.
    from gpipe.jump.groups_host import group_finder
    from gpipe.jump.showers_host import flag_showers

    data, groupdq, pixeldq = exposure.data, exposure.groupdq, exposure.pixeldq
    light = faint_light(data, groupdq, pixeldq, gain, readnoise, settings=search.light)
    found = flag_showers(groupdq, light, search.areas, group_finder(exposure.backend, "Showers"))
    return keep_small_changes(data, groupdq, found.groupdq, pixeldq, gain, most=search.largest_change), found.count
