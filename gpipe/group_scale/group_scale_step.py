"""The group_scale step."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gpipe.controller import Block, Cut, References, Skip, Step, Work
from gpipe.datamodels import Described, Ramp
from gpipe.group_scale.group_scale import divisor_is_right, rescale_groups

log = logging.getLogger(__name__)


class GroupScaleStep(Step):
    """Rescale groups whose on-board average was divided by another number than that of its frames."""

    alias = "group_scale"
    cut = Cut(Block.PIXELS, writes=("data",))

    def reason_to_skip(self, outline: Described, references: References) -> str | None:
        """The divisor is right."""
        exposure = outline.meta.exposure
        return "NFRAMES = FRMDIVSR" if divisor_is_right(exposure.nframes, exposure.frame_divisor) else None

    def begin(self, outline: Described, references: References, summary: Mapping[str, Any]) -> Work:
        nframes, divisor = outline.meta.exposure.nframes, outline.meta.exposure.frame_divisor
        if divisor_is_right(nframes, divisor):
            raise Skip(f"NFRAMES={nframes}, FRMDIVSR={divisor}: groups need no rescaling", logging.INFO)
        if divisor is None:
            raise Skip(f"NFRAMES={nframes} is no power of 2 and FRMDIVSR is missing; groups cannot be rescaled")
        log.info("Rescaling all groups by %s/%s (FRMDIVSR/NFRAMES)", divisor, nframes)

        def apply(chunk: Ramp) -> Ramp:
            return replace(chunk, data=rescale_groups(chunk.data, nframes=nframes, frame_divisor=divisor))

        return Work(apply)
