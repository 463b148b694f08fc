"""Groups of an exposure that no pixel can use: the fit leaves them out."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gpipe.datamodels.exposures.in_flight import Described
from gpipe.datamodels.exposures.instruments import is_miri
from gpipe.ramp_fitting.dead_ends import FEWEST_GROUPS, dead_groups, living_groups
from gpipe.ramp_fitting.fit import FitOptions

log = logging.getLogger(__name__)


def loses_groups(exposure: Any) -> bool:
    """Tell whether the first and the last groups may be of no use to any pixel, as those of MIRI are."""
    return is_miri(exposure.meta) and exposure.shape[1] > 1


def among_living(outline: Described, options: FitOptions, summary: Mapping[str, Any]) -> tuple[slice, FitOptions]:
    """Choose the groups that are fitted, and how: of MIRI those between groups that no pixel can use."""
    groups = outline.shape[1]
    if not loses_groups(outline):
        return slice(0, groups), options
    first, last = options.first_group or 0, groups - 1 if options.last_group is None else options.last_group
    flagged = outline.backend.to_host(dead_groups(summary["unusable"])).tolist()
    living = living_groups([dead or not first <= k <= last for k, dead in enumerate(flagged)])
    if living is None:
        log.warning("ramp_fit: found fewer than %d usable groups, expected more; there are no rates", FEWEST_GROUPS)
        return slice(0, groups), replace(options, suppress_one_group=True)
    log.info("Groups %d to %d are fitted; the others cannot be used", living.start + 1, living.stop)
    limits = {"first_group": None, "last_group": last - living.start}
    return living, replace(options, **limits, ignore_first_jump=living.start > 0)
