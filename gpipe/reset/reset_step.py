"""The reset step."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gpipe import dq
from gpipe.arrays import Array
from gpipe.arrays.planes import KnownPlanes, fill_gaps, matching_integrations, with_unknown
from gpipe.controller import Block, Cut, Ref, References, Step, Work
from gpipe.datamodels import Described, Ramp, Reference
from gpipe.datamodels.exposures.instruments import MIRI
from gpipe.reset.reset_sub import subtract_reset

log = logging.getLogger(__name__)


class ResetStep(Step):
    """Subtract what the reset of a MIRI detector leaves behind in the first groups of an integration."""

    alias = "reset"
    instruments = (MIRI,)
    references = (Ref("reset"),)
    after = ("dq_init", "saturation")
    cut = Cut(Block.RAMPS, writes=("data", "pixeldq"))

    def begin(self, outline: Described, references: References, summary: Mapping[str, Any]) -> Work:
        reset = references["reset"]
        groups, numbers = _wanted(outline, reset)
        log.info("Reset anomaly of %d groups and %d integrations", groups, len(set(numbers)))

        def apply(chunk: Ramp) -> Ramp:
            known = {number: _anomaly(reset, chunk, number, groups) for number in set(numbers)}
            flags = with_unknown(reset.plane("dq", chunk), known.values(), dq.UNRELIABLE_BIAS)
            subtract = chunk.backend.native(subtract_reset)
            subtracted = subtract(chunk.data, chunk.pixeldq, [known[number].planes for number in numbers], flags)
            return replace(chunk, data=subtracted.data, pixeldq=subtracted.pixeldq)

        return Work(apply)


def _anomaly(reset: Reference, exposure: Ramp, number: int, groups: int) -> KnownPlanes:
    """The anomaly of the first groups of an integration."""

    def make() -> Array:
        return fill_gaps(reset.load("data", exposure, first=(number, slice(0, groups))))

    return KnownPlanes.packed(reset.cached(("known", number, groups), exposure, make))


def _wanted(exposure: Any, reset: Reference) -> tuple[int, list[int]]:
    """Count the groups with an anomaly, and find for each integration that of the reference."""
    integrations, groups = _extent(reset)
    start = exposure.meta.exposure.integration_start
    numbers = matching_integrations(exposure.shape[0], start=start, available=integrations)
    return min(groups, exposure.shape[1]), numbers


def _extent(reset: Reference) -> tuple[int, int]:
    """Count the integrations and groups that the reference corrects: as its header says, or all that it has."""
    integrations, groups = reset.shape("data")[:2]
    said = [reset.number(f"exposure.{name}") for name in ("nints", "ngroups")]
    return min(said[0] or integrations, integrations), min(said[1] or groups, groups)
