"""The reset step."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gpipe.arrays import Array
from gpipe.controller import References, Step
from gpipe.controller.miri import is_miri, skip_unless_miri
from gpipe.datamodels import Ramp, Reference
from gpipe.reset.reset_sub import known_reset, subtract_reset

log = logging.getLogger(__name__)


class ResetStep(Step):
    """Subtract what the reset of a MIRI detector leaves behind in the first groups of an integration."""

    class_alias = "reset"
    reference_file_types = ("reset",)
    expects = ("dq_init", "saturation")

    def wanted_references(self, meta: Any) -> Sequence[str]:
        return self.reference_file_types if is_miri(meta) else ()

    def apply(self, exposure: Ramp, references: References) -> Ramp:
        skip_unless_miri(exposure.meta)
        reset = references.reset
        subtracted = subtract_reset(
            exposure.data, exposure.pixeldq, _resets(reset, exposure), reset.plane("dq", exposure)
        )
        return replace(exposure, data=subtracted.data, pixeldq=subtracted.pixeldq)


def _resets(reset: Reference, exposure: Ramp) -> list[Array]:
    """The anomaly in each integration of the exposure: after the last one of the reference, that of the last one."""
    integrations, groups = _extent(reset)
    groups = min(groups, exposure.data.shape[1])
    first = (exposure.meta.exposure.integration_start or 1) - 1
    numbers = [min(first + i, integrations - 1) for i in range(exposure.data.shape[0])]
    log.info("Reset anomaly of %d groups and %d integrations", groups, len(set(numbers)))
    part = slice(0, groups)
    planes = {number: known_reset(reset.plane("data", exposure, first=(number, part))) for number in set(numbers)}
    return [planes[number] for number in numbers]


def _extent(reset: Reference) -> tuple[int, int]:
    """How many integrations and groups the reference corrects: as its header says, or all that it has."""
    said = reset.meta.exposure
    integrations, groups = reset.shape("data")[:2]
    return min(said.nints or integrations, integrations), min(said.ngroups or groups, groups)
