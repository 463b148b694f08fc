"""The lastframe step."""

from dataclasses import replace

from gpipe.controller import References, Skip, Step
from gpipe.controller.miri import skip_unless_miri
from gpipe.datamodels import Ramp
from gpipe.lastframe.lastframe import flag_last_group

FEWEST_GROUPS = 3


class LastFrameStep(Step):
    """Flag the last group of MIRI integrations, which the coming reset disturbs."""

    class_alias = "lastframe"
    expects = ("dq_init", "saturation")

    def apply(self, exposure: Ramp, references: References) -> Ramp:
        skip_unless_miri(exposure.meta)
        groups = exposure.data.shape[1]
        if groups < FEWEST_GROUPS:
            raise Skip(f"found {groups} groups in an integration, expected {FEWEST_GROUPS} or more")
        return replace(exposure, groupdq=flag_last_group(exposure.groupdq))
