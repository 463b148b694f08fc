"""The dark reference at the sampling of an exposure, read in small portions."""

import logging
import math
from collections.abc import Iterator, Sequence
from typing import Any

from array_api_compat import array_namespace

from gpipe.arrays import Array
from gpipe.arrays.planes import KnownPlanes, matching_integrations
from gpipe.controller import Skip
from gpipe.dark_current.dark_sub import average_darks, extrapolate_dark
from gpipe.dark_current.sampling import Sampling
from gpipe.datamodels import Ramp, Reference
from gpipe.exceptions import ReferenceFileError

log = logging.getLogger(__name__)

AT_ONCE = 1 << 20
"""Samples of a dark that are read together at most, those of an ordinary group always."""
LONGEST_GROUP = 16
"""Frames of the longest ordinary group; JWST averages 8."""
Lead = tuple[int, ...]
"""Index of an integration of the dark: its number, or nothing where one dark serves all."""


def sampling(meta: Any) -> Sampling:
    """The sampling of an exposure."""
    return Sampling(meta.exposure.nframes, meta.exposure.groupgap)


def sampling_of(dark: Reference) -> Sampling:
    """The sampling of a dark."""
    return Sampling(dark.number("exposure.nframes"), dark.number("exposure.groupgap"))


def leads_of(exposure: Any, dark: Reference) -> list[Lead]:
    """Find the integration of the dark for each integration of the exposure, if the dark has several (MIRI)."""
    nints, available = exposure.shape[0], integrations_of(dark)
    if available is None:
        return [()] * nints
    start = exposure.meta.exposure.integration_start
    return [(number,) for number in matching_integrations(nints, start=start, available=available)]


def integrations_of(dark: Reference) -> int | None:
    """Count the integrations of the dark; None if it is one for all."""
    shape = dark.shape("data")
    return shape[0] if len(shape) == 4 else None


def groups_of(dark: Reference) -> int:
    """Count the groups of the dark in an integration."""
    return dark.shape("data")[-3]


def check_length(meta: Any, dark: Reference) -> None:
    """Refuse a dark that would have to be extrapolated from one group."""
    wanted = sampling(meta).dark_groups(sampling_of(dark), meta.exposure.ngroups)
    if groups_of(dark) < 2 and wanted and wanted[-1].stop > groups_of(dark):
        raise ReferenceFileError.at(dark.name, "1 group", "at least 2 to extrapolate from")


def wanted_groups(exposure: Any, dark: Reference) -> list[range]:
    """The dark's groups for each group of the exposure."""
    ngroups, available = exposure.shape[1], groups_of(dark)
    ours, theirs = sampling(exposure.meta), sampling_of(dark)
    wanted = ours.dark_groups(theirs, ngroups)
    if wanted is None:
        raise Skip(f"{dark.name} has {theirs}, which cannot be brought to {ours} of the exposure")
    if wanted[-1].stop > available:
        check_length(exposure.meta, dark)
        log.warning("%s has %d groups, %d are needed; it is extrapolated", dark.name, available, wanted[-1].stop)
    return wanted


def dark_of_groups(dark: Reference, exposure: Ramp, lead: Lead, wanted: Sequence[range]) -> KnownPlanes:
    """The dark of each group of the exposure."""

    def mean(groups: Sequence[range]) -> Array:
        if len(groups[0]) > _most(exposure):
            return _mean_of_long(dark, exposure, lead, groups[0])
        return _means(dark, exposure, lead, groups)

    def make() -> Array:
        return _joined([mean(groups) for groups in _together(wanted, dark, exposure)])

    return KnownPlanes.packed(dark.cached(("means", lead, tuple(wanted)), exposure, make))


def _joined(means: Sequence[Array]) -> Array:
    """Join what `average_darks` gives for some groups, and then for others."""
    if len(means) == 1:
        return means[0]
    xp = array_namespace(*means)
    gaps = xp.max(xp.stack([some[-1, ...] for some in means]), axis=0)
    return xp.concat([*(some[:-1, ...] for some in means), gaps[None, ...]])


def _most(exposure: Ramp) -> int:
    """Frames of the dark that are read together."""
    return max(AT_ONCE // math.prod(exposure.data.shape[-2:]), LONGEST_GROUP)


def _together(wanted: Sequence[range], dark: Reference, exposure: Ramp) -> Iterator[Sequence[range]]:
    """The groups whose frames are read together: few calls, where chunks of an exposure are small."""
    most, end = AT_ONCE // math.prod(exposure.data.shape[-2:]), groups_of(dark)
    some: list[range] = []
    for groups in wanted:
        follows = some and groups.start == some[-1].stop
        if some and not (follows and groups.stop <= min(end, some[0].start + most)):
            yield some
            some = []
        some.append(groups)
    yield some


def _mean_of_long(dark: Reference, exposure: Ramp, lead: Lead, group: range) -> Array:
    """The mean of a group of more frames than are read together: as many as a header may say. Packed as `_joined`."""
    most, end = _most(exposure), groups_of(dark)
    known, beyond = range(group.start, min(group.stop, end)), range(max(group.start, end), group.stop)
    parts = []
    for start in range(0, len(known), most):
        some = known[start : start + most]
        parts.append((len(some), _means(dark, exposure, lead, [some])))
    if beyond:  # they lie on a line, whose mean is in its middle
        last = dark.load("data", exposure, first=(*lead, slice(end - 2, end)))
        middle = extrapolate_dark(last, [(beyond.start + beyond.stop - 1) / 2 - end + 1])
        parts.append((len(beyond), average_darks(middle, 1)))
    mean = sum(number * one[:1, ...] for number, one in parts)
    xp = array_namespace(mean)
    return xp.concat([mean / len(group), xp.max(xp.stack([one[1:, ...] for _, one in parts]), axis=0)])


def _means(dark: Reference, exposure: Ramp, lead: Lead, wanted: Sequence[range]) -> Array:
    """Means of the dark for some groups, which alone are read. Frames that it does not have are extrapolated."""
    start, stop, end = wanted[0].start, wanted[-1].stop, groups_of(dark)
    frames = []
    if start < end:
        frames.append(dark.load("data", exposure, first=(*lead, slice(start, min(stop, end)))))
    if stop > end:
        last = dark.load("data", exposure, first=(*lead, slice(end - 2, end)))
        frames.append(extrapolate_dark(last, range(max(start - end, 0) + 1, stop - end + 1)))
    joined = frames[0] if len(frames) == 1 else array_namespace(*frames).concat(frames)
    return exposure.backend.native(average_darks)(joined, len(wanted))


def flags_of(dark: Reference, exposure: Ramp) -> Array:
    """Flags of the dark: one plane, or one for each of its integrations."""
    by_integration = dark.has("dq") and len(dark.shape("dq")) == 4
    return dark.plane("dq", exposure, first=(slice(None), 0) if by_integration else None)
