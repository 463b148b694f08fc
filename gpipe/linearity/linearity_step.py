"""The linearity step."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gpipe.controller import Block, References, Step, Work
from gpipe.datamodels import Described, Ramp
from gpipe.linearity.linearity import correct_linearity

log = logging.getLogger(__name__)


class LinearityStep(Step):
    """Correct the detector's non-linear response with a polynomial for each pixel."""

    class_alias = "linearity"
    reference_file_types = ("linearity",)
    expects = ("dq_init", "saturation")
    expects_near_infrared = ("superbias",)
    changes = ("data", "pixeldq", "zeroframe")

    def block(self, meta: Any) -> Block:
        return Block.PIXELS

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
