"""Subtracted dark, as a reference."""

from typing import Any

import numpy as np

from gpipe.arrays import Array
from gpipe.dark_current.dark_exposure import (
    Lead,
    dark_of_groups,
    flags_of,
    groups_of,
    integrations_of,
    sampling,
    sampling_of,
)
from gpipe.datamodels import Ramp, Reference


def _rest_of(dark: Reference, exposure: Ramp, wanted: list[range]) -> list[range]:
    """The later groups of a dark that is used group by group: it is written as a whole."""
    if sampling_of(dark) != sampling(exposure.meta):
        return []
    return [range(group, group + 1) for group in range(len(wanted), groups_of(dark))]


def dark_model(cubes: dict[Lead, Array], wanted: list[range], exposure: Ramp, dark: Reference) -> Any:
    """Make a reference of the dark, at the exposure's sampling and for its part of the detector."""
    from stdatamodels.jwst import datamodels

    to_host = exposure.backend.to_host
    rest = _rest_of(dark, exposure, wanted)

    def cube(lead: Lead) -> np.ndarray:
        used = cubes[lead] if lead in cubes else dark_of_groups(dark, exposure, lead, wanted).planes
        later = (dark_of_groups(dark, exposure, lead, [group]).planes for group in rest)
        return np.concatenate([to_host(x) for x in (used, *later)])

    flags, integrations = to_host(flags_of(dark, exposure)), integrations_of(dark)
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
