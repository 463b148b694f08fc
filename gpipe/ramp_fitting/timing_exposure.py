"""Reads and groups of an exposure as a fit needs them."""

import logging
from typing import Any

from gpipe.exceptions import InputError
from gpipe.ramp_fitting.likely_fit import FEWEST_GROUPS
from gpipe.ramp_fitting.reads import Reads, Times, even_times
from gpipe.ramp_fitting.timing import Timing

log = logging.getLogger(__name__)


def used_algorithm(asked: str, exposure: Any) -> str:
    """Choose the algorithm: always LIKELY for uneven reads, least squares for ramps too short for LIKELY."""
    algorithm = asked
    if algorithm != "LIKELY" and _read_times(exposure):
        log.warning("The reads are unevenly spaced (read_times): LIKELY is used, not %s", algorithm)
        algorithm = "LIKELY"
    if algorithm == "LIKELY" and exposure.shape[1] < FEWEST_GROUPS:
        log.info("LIKELY needs %d groups, this exposure has fewer: OLS_C is used", FEWEST_GROUPS)
        algorithm = "OLS_C"
    return algorithm


def times_of_reads(exposure: Any) -> Times:
    """Seconds of all reads, group by group: explicit ones if the metadata have them, else those of the read pattern."""
    groups = exposure.shape[1]
    explicit = _read_times(exposure)
    if not explicit:
        return even_times(timing_of(exposure.meta.exposure), groups)
    times = tuple(tuple(float(t) for t in group) for group in explicit)
    if len(times) != groups or not all(times):
        raise InputError.at("read_times", f"reads of {len(times)} groups", f"one or more of each of {groups}")
    if min(Reads.at(times).intervals) <= 0:
        raise InputError.at("read_times", "a group that is not later than the one before", "increasing times")
    return times


def zeroframe_is_of_use(exposure: Any, times: Times) -> bool:
    """Tell whether the ZEROFRAME adds to the first group, which it does where that has several reads."""
    if len(times[0]) < 2 and exposure.meta.exposure.zero_frame:
        log.warning("The first group is a single read: LIKELY does not use the ZEROFRAME")
    return len(times[0]) > 1


def _read_times(exposure: Any) -> Any:
    times = getattr(exposure.meta.exposure, "read_times", None)
    return times if times is not None and len(times) else None


def group_limits(first: int | None, last: int | None, groups: int) -> tuple[int | None, int | None]:
    """The limits that can be met: both or neither if they leave fewer than two groups."""
    lower, upper = first or 0, groups - 1 if last is None else last
    if lower < 0:
        log.warning("ramp_fit.firstgroup: found %d, expected 0 or more; 0 is used", lower)
        lower = 0
    if upper >= groups:
        log.warning("ramp_fit.lastgroup: found %d, expected at most %d, which is used", upper, groups - 1)
    if lower >= upper:
        if first is not None or last is not None:
            log.warning("ramp_fit: found firstgroup %d, lastgroup %d, expected a later last; not used", lower, upper)
        return None, None
    return lower, upper


def timing_of(exposure: Any) -> Timing:
    """Times of the read pattern, from ``meta.exposure``."""
    return Timing(
        frame_time=float(exposure.frame_time),
        group_time=float(exposure.group_time),
        frames=int(exposure.nframes),
        gap=int(exposure.groupgap),
        dropped_first=int(exposure.drop_frames1 or 0),
    )
