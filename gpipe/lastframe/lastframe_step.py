"""The lastframe step."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gpipe.controller import Block, Cut, References, Skip, Step, Work
from gpipe.datamodels import Described, Ramp
from gpipe.datamodels.exposures.instruments import MIRI
from gpipe.lastframe.lastframe import flag_last_group

FEWEST_GROUPS = 3


class LastFrameStep(Step):
    """Flag the last group of MIRI integrations, which the coming reset disturbs."""

    alias = "lastframe"
    instruments = (MIRI,)
    after = ("dq_init", "saturation")
    cut = Cut(Block.PIXELS, writes=("groupdq:DO_NOT_USE",))

    def begin(self, outline: Described, references: References, summary: Mapping[str, Any]) -> Work:
        groups = outline.shape[1]
        if groups < FEWEST_GROUPS:
            raise Skip(f"found {groups} groups in an integration, expected {FEWEST_GROUPS} or more")

        def apply(chunk: Ramp) -> Ramp:
            return replace(chunk, groupdq=flag_last_group(chunk.groupdq))

        return Work(apply)
