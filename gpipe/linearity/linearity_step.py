"""The linearity step."""

import logging
from dataclasses import replace

from gpipe.controller import References, Step
from gpipe.datamodels import Ramp
from gpipe.linearity.linearity import correct_linearity

log = logging.getLogger(__name__)


class LinearityStep(Step):
    """Correct the detector's non-linear response with a polynomial for each pixel."""

    class_alias = "linearity"
    reference_file_types = ("linearity",)
    expects = ("dq_init", "saturation")
    expects_near_infrared = ("superbias",)

    def apply(self, exposure: Ramp, references: References) -> Ramp:
        linearity, settings = references.linearity, exposure.meta.exposure
        # With the times of single reads (uneven groups) the number of frames says nothing about a group's spread.
        frame_by_frame = linearity.has("inv_coeffs") and settings.nframes > 1 and not settings.read_times
        if frame_by_frame:
            log.info("Correcting the %s frames of each group one by one", settings.nframes)
        corrected = correct_linearity(
            exposure.data,
            exposure.groupdq,
            exposure.pixeldq,
            linearity.plane("coeffs", exposure),
            linearity.plane("dq", exposure),
            inverse=linearity.plane("inv_coeffs", exposure) if frame_by_frame else None,
            nframes=settings.nframes,
            zeroframe=exposure.zeroframe,
        )
        return replace(exposure, data=corrected.data, pixeldq=corrected.pixeldq, zeroframe=corrected.zeroframe)
