"""The lastframe step."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gpipe.controller import Block, References, Skip, Step, Work
from gpipe.datamodels import Described, Ramp
from gpipe.datamodels.exposures.instruments import MIRI
from gpipe.lastframe.lastframe import flag_last_group

FEWEST_GROUPS = 3


class LastFrameStep(Step):
    """Flag the last group of MIRI integrations, which the coming reset disturbs."""

    class_alias = "lastframe"
    instruments = (MIRI,)
    expects = ("dq_init", "saturation")
    changes = ("groupdq:DO_NOT_USE",)

    def block(self, meta: Any) -> Block:
        return Block.PIXELS

    def begin(self, outline: Described, references: References, summary: Mapping[str, Any]) -> Work:
        groups = outline.shape[1]
        if groups < FEWEST_GROUPS:
            raise Skip(f"found {groups} groups in an integration, expected {FEWEST_GROUPS} or more")

        def apply(chunk: Ramp) -> Ramp:
            return replace(chunk, groupdq=flag_last_group(chunk.groupdq))

        return Work(apply)
