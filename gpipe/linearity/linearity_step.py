"""The linearity step."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from gpipe.controller import Block, Cut, Ref, References, Step, Work
from gpipe.datamodels import Described, Ramp
from gpipe.datamodels.exposures.instruments import MIRI, OTHERS
from gpipe.linearity.linearity import correct_linearity

log = logging.getLogger(__name__)


class LinearityStep(Step):
    """Correct the detector's non-linear response with a polynomial for each pixel."""

    alias = "linearity"
    by_piece = False
    references = (Ref("linearity"),)
    after: ClassVar = {MIRI: ("dq_init", "saturation"), OTHERS: ("dq_init", "saturation", "superbias")}
    cut = Cut(Block.PIXELS, writes=("data", "pixeldq", "zeroframe"))

    def begin(self, outline: Described, references: References, summary: Mapping[str, Any]) -> Work:
        linearity, settings = references["linearity"], outline.meta.exposure
        # With the times of single reads (uneven groups) the number of frames says nothing about a group's spread.
        frame_by_frame = linearity.has("inv_coeffs") and settings.nframes > 1 and not settings.read_times
        if frame_by_frame:
            log.info("Correcting the %s frames of each group one by one", settings.nframes)

        def apply(chunk: Ramp) -> Ramp:
            corrected = chunk.backend.native(correct_linearity)(
                chunk.data,
                chunk.groupdq,
                chunk.pixeldq,
                linearity.plane("coeffs", chunk),
                linearity.plane("dq", chunk),
                inverse=linearity.plane("inv_coeffs", chunk) if frame_by_frame else None,
                nframes=settings.nframes,
                zeroframe=chunk.zeroframe,
            )
            return replace(chunk, data=corrected.data, pixeldq=corrected.pixeldq, zeroframe=corrected.zeroframe)

        return Work(apply)
