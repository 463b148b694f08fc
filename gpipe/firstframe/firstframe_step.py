"""The firstframe step."""

import logging
from dataclasses import replace

from gpipe.controller import References, Skip, Step
from gpipe.controller import parameters as p
from gpipe.controller.miri import skip_unless_miri
from gpipe.datamodels import Ramp
from gpipe.firstframe.firstframe import flag_first_group

log = logging.getLogger(__name__)

FEWEST_GROUPS = 4


class FirstFrameStep(Step):
    """Flag the first group of MIRI integrations. Deprecated: the rscd step does it."""

    class_alias = "firstframe"
    expects = ("dq_init", "saturation")

    bright_use_group1 = p.Boolean(True, help="Leave the first group to pixels that are saturated in the third.")
    skip = p.Boolean(True, help="Leave the exposure as it is.")

    def apply(self, exposure: Ramp, references: References) -> Ramp:
        log.warning("Step %s is deprecated; the rscd step flags the first groups", self.name)
        skip_unless_miri(exposure.meta)
        groups = exposure.data.shape[1]
        if groups < FEWEST_GROUPS:
            raise Skip(f"found {groups} groups in an integration, expected {FEWEST_GROUPS} or more")
        flagged = flag_first_group(exposure.groupdq, exposure.pixeldq, bright_use_group1=self.bright_use_group1)
        log.info("%d usable pixels keep their first group", exposure.backend.to_host(flagged.kept_pixels))
        return replace(exposure, groupdq=flagged.groupdq, pixeldq=flagged.pixeldq)
