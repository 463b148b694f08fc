"""The jump step's search for showers."""

import logging
from typing import Protocol

from gpipe.arrays import Array
from gpipe.datamodels import Ramp
from gpipe.exceptions import ParameterError
from gpipe.jump.shower_amplitude import keep_small_changes
from gpipe.jump.shower_light import LightSettings, faint_light, ring_offsets

log = logging.getLogger(__name__)

LEAST_DIFFERENCES = 10
ELECTRONS_PER_DN = 1.5
"""With it the default of max_shower_amplitude, 4 DN/s, means the 6 electron/s that jwst compares with."""


class ShowerParameters(Protocol):
    """The parameters of the step that showers depend on."""

    max_shower_amplitude: float
    extend_snr_threshold: float
    extend_min_area: int
    extend_inner_radius: float
    extend_outer_radius: float
    extend_ellipse_expand_ratio: float
    time_masked_after_shower: float
    max_extended_radius: int
    minimum_sigclip_groups: int


def check_ring(step: ShowerParameters, label: str) -> None:
    """Refuse radii between which there is no pixel."""
    inner, outer = step.extend_inner_radius, step.extend_outer_radius
    if not ring_offsets(inner, outer):
        raise ParameterError(
            f"{label}.extend_inner_radius, extend_outer_radius: found {inner}, {outer}; expected a pixel at a distance "
            f"of {inner} to {inner + outer:g}"
        )


def with_showers(
    step: ShowerParameters, exposure: Ramp, gain: Array, readnoise: Array, *, differences: int
) -> tuple[Array, int]:
    """Group flags of an exposure with those of showers, and how many there are.

    ``differences`` is the number of usable differences of groups in all integrations.
    """
    if differences < LEAST_DIFFERENCES:
        log.warning("no showers are looked for: found %d differences, expected %d", differences, LEAST_DIFFERENCES)
        return exposure.groupdq, 0
    # SciPy is imported only where showers are looked for.
    from gpipe.jump.groups_host import group_finder
    from gpipe.jump.showers_host import ShowerSettings, flag_showers

    group_time = float(exposure.meta.exposure.group_time)
    settings = _light_settings(step, exposure)
    light = faint_light(exposure.data, exposure.groupdq, exposure.pixeldq, gain, readnoise, settings=settings)
    reach = ShowerSettings(
        min_area=step.extend_min_area,
        expand_ratio=step.extend_ellipse_expand_ratio,
        max_axis=2 * step.max_extended_radius,
        later_groups=int(step.time_masked_after_shower // group_time),
    )
    found = flag_showers(exposure.groupdq, light, reach, group_finder(exposure.backend, "Showers"))
    log.info("%d showers found", found.count)
    most = ELECTRONS_PER_DN * step.max_shower_amplitude * group_time
    kept = keep_small_changes(exposure.data, exposure.groupdq, found.groupdq, exposure.pixeldq, gain, most=most)
    return kept, found.count


def _light_settings(step: ShowerParameters, exposure: Ramp) -> LightSettings:
    return LightSettings(
        frames=int(exposure.meta.exposure.nframes),
        threshold=step.extend_snr_threshold,
        ring=ring_offsets(step.extend_inner_radius, step.extend_outer_radius),
        by_group=exposure.data.shape[0] >= step.minimum_sigclip_groups,
    )
