"""The superbias step."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gpipe.controller import Block, Cut, Ref, References, Step, Work
from gpipe.datamodels import Described, Ramp
from gpipe.superbias.superbias import subtract_superbias


class SuperBiasStep(Step):
    """Subtract the detector's bias structure from every group."""

    alias = "superbias"
    references = (Ref("superbias"),)
    after = ("dq_init", "saturation")
    cut = Cut(Block.PIXELS, writes=("data", "pixeldq", "zeroframe"))

    def begin(self, outline: Described, references: References, summary: Mapping[str, Any]) -> Work:
        bias = references["superbias"]

        def apply(chunk: Ramp) -> Ramp:
            planes = (bias.plane("data", chunk), bias.plane("dq", chunk))
            subtract = chunk.backend.native(subtract_superbias)
            found = subtract(chunk.data, chunk.pixeldq, *planes, zeroframe=chunk.zeroframe)
            return replace(chunk, data=found.data, pixeldq=found.pixeldq, zeroframe=found.zeroframe)

        return Work(apply)
