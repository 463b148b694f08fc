"""The saturation step."""

import logging
from dataclasses import replace
from typing import Any

from gpipe.controller import References, Step
from gpipe.controller import parameters as p
from gpipe.datamodels import Ramp
from gpipe.exceptions import InputError
from gpipe.saturation.saturation import flag_saturation

log = logging.getLogger(__name__)


class SaturationStep(Step):
    """Flag samples that are saturated, or at the floor of the analogue-to-digital converter."""

    class_alias = "saturation"
    reference_file_types = ("saturation", "superbias")
    optional_references = ("superbias",)
    expects = ("dq_init",)

    n_pix_grow_sat = p.Integer(
        1, min=0, unit="pixel", help="How far saturated pixels spill charge, in every direction."
    )
    use_readpatt = p.Boolean(True, help="Find saturation that hides in groups which average several frames.")

    def check(self, meta: Any, references: References) -> None:
        if "IRS2" in str(meta.exposure.readpatt):
            raise InputError(
                f"saturation: found READPATT {meta.exposure.readpatt}; gpipe does not have NIRSpec IRS2 readout yet, "
                "expected traditional readout"
            )

    def apply(self, exposure: Ramp, references: References) -> Ramp:
        saturation, bias = references.saturation, references.superbias
        by_frames = self.use_readpatt
        flagged = flag_saturation(
            exposure.data,
            exposure.groupdq,
            exposure.pixeldq,
            saturation.plane("data", exposure),
            saturation.plane("dq", exposure),
            grow=self.n_pix_grow_sat,
            nframes=exposure.meta.exposure.nframes if by_frames else None,
            bias=bias.plane("data", exposure) if by_frames and bias is not None else None,
            zeroframe=exposure.zeroframe,
        )
        to_host = exposure.backend.to_host
        log.info("%d pixels saturated in some group", to_host(flagged.saturated_pixels))
        log.info("%d pixels at the converter's floor in some group", to_host(flagged.floor_pixels))
        return replace(exposure, groupdq=flagged.groupdq, pixeldq=flagged.pixeldq, zeroframe=flagged.zeroframe)
