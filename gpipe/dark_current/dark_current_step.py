"""The dark_current step."""

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from gpipe.arrays import Array
from gpipe.arrays.planes import matching_integrations
from gpipe.controller import Block, Produced, References, SideProduct, Skip, Step, Work
from gpipe.controller import parameters as p
from gpipe.dark_current.dark_sub import (
    any_flags,
    average_darks,
    extrapolate_dark,
    subtract_darks,
    uniform_dark_current,
)
from gpipe.dark_current.sampling import Sampling
from gpipe.datamodels import Ramp, Reference
from gpipe.exceptions import ReferenceFileError

log = logging.getLogger(__name__)

AT_ONCE = 1 << 20
"""Samples of a dark that are read together at most, a group's always."""
Lead = tuple[int, ...]
"""What selects an integration of the dark: its number, or nothing where one dark serves all."""


class DarkCurrentStep(Step):
    """Subtract the signal that a detector gathers in the dark."""

    class_alias = "dark_current"
    cal_step = "dark_sub"
    reference_file_types = ("dark",)
    expects = ("dq_init", "linearity")
    expects_near_infrared = ("superbias", "refpix")
    changes = ("data", "pixeldq", "average_dark_current")

    dark_output = p.OutputFile(None, help="File for the dark that is subtracted, averaged to groups if need be.")
    average_dark_current = p.Float(
        None, unit="electron/s", help="Dark current for its Poisson noise; None takes it from the reference."
    )

    def block(self, meta: Any) -> Block:
        return Block.RAMPS if self.dark_output is None else Block.EXPOSURE

    def begin(self, outline: Any, references: References, summary: Mapping[str, Any]) -> Work:
        dark = references.dark
        wanted, leads = _wanted_groups(outline, dark), _leads(outline, dark)
        current = self._dark_current(dark)

        def apply(chunk: Ramp) -> Ramp | Produced:
            cubes = {lead: _cube(dark, chunk, lead, wanted) for lead in dict.fromkeys(leads)}
            flags = any_flags(_flags(dark, chunk))
            subtract = chunk.backend.native(subtract_darks)
            found = subtract(chunk.data, chunk.pixeldq, [cubes[lead] for lead in leads], flags)
            result = replace(chunk, data=found.data, pixeldq=found.pixeldq, average_dark_current=current(chunk))
            if self.dark_output is None:
                return result
            model = _dark_model(cubes, wanted, chunk, dark)
            return Produced((result,), (SideProduct(model, output_file=self.dark_output),))

        return Work(apply)

    def _dark_current(self, dark: Reference) -> Callable[[Ramp], Array]:
        """What the parameter says, else the reference's array, else its keyword, else 0; electron/s."""
        if self.average_dark_current is not None:
            log.info("Poisson noise of a dark current of %s electron/s", self.average_dark_current)
            return partial(_uniform, value=self.average_dark_current)
        value = dark.number("exposure.average_dark_current") or 0.0
        # An array of zeros holds no dark current, and the keyword counts.
        if not _has_dark_current(dark) or not np.sum(dark.read("average_dark_current")):
            return partial(_uniform, value=value)
        return partial(dark.plane, "average_dark_current")


def _uniform(chunk: Ramp, *, value: float) -> Array:
    return uniform_dark_current(chunk.data, value)


def _sampling(meta: Any) -> Sampling:
    return Sampling(meta.exposure.nframes, meta.exposure.groupgap)


def _sampling_of(dark: Reference) -> Sampling:
    return Sampling(dark.number("exposure.nframes"), dark.number("exposure.groupgap"))


def _has_dark_current(dark: Reference) -> bool:
    if not dark.has("average_dark_current"):
        return False
    found, expected = dark.shape("average_dark_current"), dark.shape("data")[-2:]
    if found != expected:
        log.warning("%s: found a dark current of shape %s, expected %s; it is not used", dark.name, found, expected)
    return found == expected


def _leads(exposure: Any, dark: Reference) -> list[Lead]:
    """For each integration of the exposure that of the dark, if it has several (MIRI)."""
    nints, available = exposure.shape[0], _integrations(dark)
    if available is None:
        return [()] * nints
    start = exposure.meta.exposure.integration_start
    return [(number,) for number in matching_integrations(nints, start=start, available=available)]


def _integrations(dark: Reference) -> int | None:
    """How many integrations the dark has; None if it is one for all."""
    shape = dark.shape("data")
    return shape[0] if len(shape) == 4 else None


def _groups(dark: Reference) -> int:
    return dark.shape("data")[-3]


def _wanted_groups(exposure: Any, dark: Reference) -> list[range]:
    """The dark's groups for each group of the exposure."""
    ngroups, available = exposure.shape[1], _groups(dark)
    ours, theirs = _sampling(exposure.meta), _sampling_of(dark)
    wanted = ours.dark_groups(theirs, ngroups)
    if wanted is None:
        raise Skip(f"{dark.name} has {theirs}, which cannot be brought to {ours} of the exposure")
    if wanted[-1].stop > available:
        log.warning("%s has %d groups, %d are needed; it is extrapolated", dark.name, available, wanted[-1].stop)
        if available < 2:
            raise ReferenceFileError(f"{dark.name}: found {available} group, expected at least 2 to extrapolate from")
    return wanted


def _cube(dark: Reference, exposure: Ramp, lead: Lead, wanted: Sequence[range]) -> Array:
    """The dark of each group of the exposure: (group, row, column)."""

    def make() -> Array:
        means = [_means(dark, exposure, lead, groups) for groups in _together(wanted, dark, exposure)]
        return array_namespace(*means).concat(means)

    return dark.cached(("means", lead, tuple(wanted)), exposure, make)


def _together(wanted: Sequence[range], dark: Reference, exposure: Ramp) -> Iterator[Sequence[range]]:
    """The groups whose frames are read together: few calls, where chunks of an exposure are small."""
    most, end = AT_ONCE // math.prod(exposure.data.shape[-2:]), _groups(dark)
    some: list[range] = []
    for groups in wanted:
        follows = some and groups.start == some[-1].stop
        if some and not (follows and groups.stop <= min(end, some[0].start + most)):
            yield some
            some = []
        some.append(groups)
    yield some


def _means(dark: Reference, exposure: Ramp, lead: Lead, wanted: Sequence[range]) -> Array:
    """Means of the dark for some groups, which alone are read. Frames that it does not have are extrapolated."""
    start, stop, end = wanted[0].start, wanted[-1].stop, _groups(dark)
    frames = []
    if start < end:
        frames.append(dark.load("data", exposure, first=(*lead, slice(start, min(stop, end)))))
    if stop > end:
        last = dark.load("data", exposure, first=(*lead, slice(end - 2, end)))
        frames.append(extrapolate_dark(last, range(max(start - end, 0) + 1, stop - end + 1)))
    joined = frames[0] if len(frames) == 1 else array_namespace(*frames).concat(frames)
    return exposure.backend.native(average_darks)(joined, len(wanted))


def _flags(dark: Reference, exposure: Ramp) -> Array:
    """Flags of the dark: one plane, or one for each of its integrations."""
    by_integration = dark.has("dq") and len(dark.shape("dq")) == 4
    return dark.plane("dq", exposure, first=(slice(None), 0) if by_integration else None)


def _rest_of(dark: Reference, exposure: Ramp, wanted: list[range]) -> list[range]:
    """The later groups of a dark that is used group by group: it is written as a whole."""
    if _sampling_of(dark) != _sampling(exposure.meta):
        return []
    return [range(group, group + 1) for group in range(len(wanted), _groups(dark))]


def _dark_model(cubes: dict[Lead, Array], wanted: list[range], exposure: Ramp, dark: Reference) -> Any:
    """The dark as a reference of its own, at the exposure's sampling and for its part of the detector."""
    from stdatamodels.jwst import datamodels

    to_host = exposure.backend.to_host
    rest = _rest_of(dark, exposure, wanted)

    def cube(lead: Lead) -> np.ndarray:
        used = cubes[lead] if lead in cubes else _cube(dark, exposure, lead, wanted)
        return np.concatenate([to_host(x) for x in (used, *(_cube(dark, exposure, lead, [group]) for group in rest))])

    flags, integrations = to_host(_flags(dark, exposure)), _integrations(dark)
    if integrations is None:
        model: Any = datamodels.DarkModel(data=cube(()), dq=flags)
    else:
        data = np.stack([cube((number,)) for number in range(integrations)])
        model = datamodels.DarkMIRIModel(data=data, dq=flags.reshape(-1, 1, *flags.shape[-2:]))
    model.update({"meta": dark.meta.instance})
    meta, source = model.meta, exposure.meta
    meta.exposure.ngroups = model.data.shape[-3]
    for name in ("nframes", "groupgap"):
        setattr(meta.exposure, name, getattr(source.exposure, name))
    for name in ("xstart", "ystart", "xsize", "ysize"):
        setattr(meta.subarray, name, getattr(source.subarray, name))
    return model
