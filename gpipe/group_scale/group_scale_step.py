"""The group_scale step."""

import logging
from dataclasses import replace

from gpipe.controller import References, Skip, Step
from gpipe.datamodels import Ramp, SuperstripeRamp
from gpipe.group_scale.group_scale import divisor_is_right, rescale_groups

log = logging.getLogger(__name__)


class GroupScaleStep(Step):
    """Rescale groups whose on-board average was divided by another number than that of its frames."""

    class_alias = "group_scale"
    accepts = (Ramp, SuperstripeRamp)

    def apply(self, exposure: Ramp, references: References) -> Ramp:
        nframes, divisor = exposure.meta.exposure.nframes, exposure.meta.exposure.frame_divisor
        if divisor_is_right(nframes, divisor):
            raise Skip(f"NFRAMES={nframes}, FRMDIVSR={divisor}: groups need no rescaling", logging.INFO)
        if divisor is None:
            raise Skip(f"NFRAMES={nframes} is no power of 2 and FRMDIVSR is missing; groups cannot be rescaled")
        log.info("Rescaling all groups by %s/%s (FRMDIVSR/NFRAMES)", divisor, nframes)
        return replace(exposure, data=rescale_groups(exposure.data, nframes=nframes, frame_divisor=divisor))
