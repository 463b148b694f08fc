"""Settings of the searches of the jump step in an exposure, made from the step's parameters.

``given`` holds the values of the parameters by their names, ``outline`` is the exposure, which need not have arrays.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from gpipe.datamodels.exposures.in_flight import Described
from gpipe.jump.after_jump import AfterJump
from gpipe.jump.detection import JumpSettings
from gpipe.jump.iterative import Thresholds
from gpipe.jump.method import Method, choose_method
from gpipe.jump.neighbours import Neighbours
from gpipe.jump.settings import ShowerSearch, ShowerSettings, SnowballSettings
from gpipe.jump.shower_light import LightSettings, ring_offsets

log = logging.getLogger(__name__)

ELECTRONS_PER_DN = 1.5
"""Factor from the default of max_shower_amplitude, 4 DN/s, to jwst's limit of 6 electron/s."""


def jump_settings(
    given: Mapping[str, Any], outline: Described, unusable: Sequence[int], *, whole_images: bool
) -> JumpSettings:
    """Settings of the search for jumps.

    Parameters
    ----------
    unusable : for each integration, the number of its groups that no pixel can use.
    whole_images : as in `JumpSettings`.
    """
    reach = Neighbours(least=given["min_jump_to_flag_neighbors"], most=given["max_jump_to_flag_neighbors"])
    return JumpSettings(
        method=_method(given, unusable, outline.shape[1]),
        thresholds=Thresholds(
            four_or_more=given["rejection_threshold"],
            three=given["four_group_rejection_threshold"],
            two=given["three_group_rejection_threshold"],
        ),
        frames=int(outline.meta.exposure.nframes),
        only_use_ints=given["only_use_ints"],
        whole_images=whole_images,
        neighbours=reach if given["flag_4_neighbors"] else None,
        after=after_jumps(given, outline.meta),
    )


def _method(given: Mapping[str, Any], unusable: Sequence[int], groups: int) -> Method | None:
    named = ("minimum_groups", "minimum_sigclip_groups", "only_use_ints", "min_diffs_single_pass")
    method = choose_method(unusable, groups, **{name: given[name] for name in named})
    if method is None:
        least, expected = groups - max(unusable), given["minimum_groups"]
        log.warning("no jumps are looked for: found %d usable groups, expected %d", least, expected)
    return method


def after_jumps(given: Mapping[str, Any], meta: Any) -> tuple[AfterJump, ...]:
    """Flags after large jumps, where they are for one group or more."""
    pairs = ((given[f"after_jump_flag_dn{k}"], given[f"after_jump_flag_time{k}"]) for k in (1, 2))
    after = (AfterJump(dn=dn, groups=_groups_in(seconds, meta)) for dn, seconds in pairs)
    return tuple(a for a in after if a.groups > 0)


def snowball_settings(given: Mapping[str, Any], outline: Described) -> SnowballSettings:
    """Settings of the search for snowballs."""
    masked = given["snowball_time_masked_next_int"] if given["mask_snowball_core_next_int"] else 0
    return SnowballSettings(
        min_jump_area=given["min_jump_area"],
        min_sat_area=given["min_sat_area"],
        expand_factor=given["expand_factor"],
        sat_required=given["sat_required_snowball"],
        min_sat_radius_extend=given["min_sat_radius_extend"],
        sat_expand=2 * given["sat_expand"],
        edge_size=given["edge_size"],
        max_axis=2 * given["max_extended_radius"],
        next_integration_groups=_groups_in(masked, outline.meta),
    )


def shower_search(given: Mapping[str, Any], outline: Described) -> ShowerSearch:
    """Settings of the search for showers."""
    return ShowerSearch(
        light=LightSettings(
            frames=int(outline.meta.exposure.nframes),
            threshold=given["extend_snr_threshold"],
            ring=ring_offsets(given["extend_inner_radius"], given["extend_outer_radius"]),
            by_group=outline.shape[0] >= given["minimum_sigclip_groups"],
        ),
        areas=ShowerSettings(
            min_area=given["extend_min_area"],
            expand_ratio=given["extend_ellipse_expand_ratio"],
            max_axis=2 * given["max_extended_radius"],
            later_groups=_groups_in(given["time_masked_after_shower"], outline.meta),
        ),
        largest_change=ELECTRONS_PER_DN * given["max_shower_amplitude"] * float(outline.meta.exposure.group_time),
    )


def _groups_in(seconds: float, meta: Any) -> int:
    """Whole groups in a time."""
    return int(seconds // float(meta.exposure.group_time))
