"""The saturation step."""

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from gpipe.arrays.interleaved import is_interleaved
from gpipe.controller import References, Step
from gpipe.controller import parameters as p
from gpipe.datamodels import Ramp, SuperstripeRamp
from gpipe.saturation.irs2 import flag_saturation_irs2
from gpipe.saturation.saturation import Flagged, flag_saturation

log = logging.getLogger(__name__)


class SaturationStep(Step):
    """Flag samples that are saturated, or at the floor of the analogue-to-digital converter."""

    class_alias = "saturation"
    accepts = (Ramp, SuperstripeRamp)
    reference_file_types = ("saturation", "superbias")
    optional_references = ("superbias",)
    expects = ("dq_init",)

    n_pix_grow_sat = p.Integer(
        1, min=0, unit="pixel", help="How far saturated pixels spill charge, in every direction."
    )
    use_readpatt = p.Boolean(True, help="Find saturation that hides in groups which average several frames.")

    def apply(self, exposure: Ramp, references: References) -> Ramp:
        saturation, bias = references.saturation, references.superbias
        by_frames = self.use_readpatt
        flagged = self._function(exposure)(
            exposure.data,
            exposure.groupdq,
            exposure.pixeldq,
            *(exposure.backend.to_device(saturation.read(a, window=exposure.window)) for a in ("data", "dq")),
            grow=self.n_pix_grow_sat,
            nframes=exposure.meta.exposure.nframes if by_frames else None,
            bias=bias.plane("data", exposure) if by_frames and bias is not None else None,
            zeroframe=exposure.zeroframe,
        )
        to_host = exposure.backend.to_host
        log.info("%d pixels saturated in some group", to_host(flagged.saturated_pixels))
        log.info("%d pixels at the converter's floor in some group", to_host(flagged.floor_pixels))
        return replace(exposure, groupdq=flagged.groupdq, pixeldq=flagged.pixeldq, zeroframe=flagged.zeroframe)

    @staticmethod
    def _function(exposure: Ramp) -> Callable[..., Flagged]:
        if not is_interleaved(exposure.data.shape):
            return exposure.backend.native(flag_saturation)
        return partial(flag_saturation_irs2, reference_first=exposure.meta.subarray.fastaxis > 0)
