"""The superbias step."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gpipe.controller import Block, References, Step, Work
from gpipe.datamodels import Ramp, SuperstripeRamp
from gpipe.superbias.superbias import subtract_superbias


class SuperBiasStep(Step):
    """Subtract the detector's bias structure from every group."""

    class_alias = "superbias"
    accepts = (Ramp, SuperstripeRamp)
    reference_file_types = ("superbias",)
    expects = ("dq_init", "saturation")
    changes = ("data", "pixeldq", "zeroframe")

    def block(self, meta: Any) -> Block:
        return Block.PIXELS

    def begin(self, outline: Any, references: References, survey: Mapping[str, Any]) -> Work:
        bias = references.superbias

        def apply(part: Ramp) -> Ramp:
            planes = (bias.plane("data", part), bias.plane("dq", part))
            subtract = part.backend.native(subtract_superbias)
            found = subtract(part.data, part.pixeldq, *planes, zeroframe=part.zeroframe)
            return replace(part, data=found.data, pixeldq=found.pixeldq, zeroframe=found.zeroframe)

        return Work(apply)
