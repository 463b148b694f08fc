"""The superbias step."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gpipe.controller import Block, References, Step, Work
from gpipe.datamodels import Described, Ramp, Superstripes
from gpipe.superbias.superbias import subtract_superbias


class SuperBiasStep(Step):
    """Subtract the detector's bias structure from every group."""

    class_alias = "superbias"
    accepts = (Ramp, Superstripes)
    reference_file_types = ("superbias",)
    expects = ("dq_init", "saturation")
    changes = ("data", "pixeldq", "zeroframe")

    def block(self, meta: Any) -> Block:
        return Block.PIXELS

    def begin(self, outline: Described, references: References, summary: Mapping[str, Any]) -> Work:
        bias = references["superbias"]

        def apply(chunk: Ramp) -> Ramp:
            planes = (bias.plane("data", chunk), bias.plane("dq", chunk))
            subtract = chunk.backend.native(subtract_superbias)
            found = subtract(chunk.data, chunk.pixeldq, *planes, zeroframe=chunk.zeroframe)
            return replace(chunk, data=found.data, pixeldq=found.pixeldq, zeroframe=found.zeroframe)

        return Work(apply)
