"""The firstframe step."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gpipe.controller import Block, Cut, Produced, References, Skip, Step, Work
from gpipe.controller import parameters as p
from gpipe.datamodels import Described, Ramp
from gpipe.datamodels.exposures.instruments import MIRI
from gpipe.firstframe.firstframe import flag_first_group

log = logging.getLogger(__name__)

FEWEST_GROUPS = 4


class FirstFrameStep(Step):
    """Flag the first group of MIRI integrations. Deprecated: the rscd step does it."""

    alias = "firstframe"
    instruments = (MIRI,)
    after = ("dq_init", "saturation")
    # Ramps of all integrations: one of them is enough to flag a pixel.
    cut = Cut(Block.RAMPS, writes=("groupdq:DO_NOT_USE", "pixeldq:FLUX_ESTIMATED"))

    bright_use_group1 = p.Boolean(True, help="Leave the first group to pixels that are saturated in the third.")
    skip = p.Boolean(True, help="Leave the exposure as it is.")

    def begin(self, outline: Described, references: References, summary: Mapping[str, Any]) -> Work:
        log.warning("Step %s is deprecated; the rscd step flags the first groups", self.name)
        groups = outline.shape[1]
        if groups < FEWEST_GROUPS:
            raise Skip(f"found {groups} groups in an integration, expected {FEWEST_GROUPS} or more")

        def apply(chunk: Ramp) -> Produced:
            flagged = flag_first_group(chunk.groupdq, chunk.pixeldq, bright_use_group1=self.bright_use_group1)
            result = replace(chunk, groupdq=flagged.groupdq, pixeldq=flagged.pixeldq)
            return Produced((result,), counts={"pixels that keep their first group": flagged.kept_pixels})

        return Work(apply)
