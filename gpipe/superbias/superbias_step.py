"""The superbias step."""

from dataclasses import replace

from gpipe.controller import References, Step
from gpipe.datamodels import Ramp, SuperstripeRamp
from gpipe.superbias.superbias import subtract_superbias


class SuperBiasStep(Step):
    """Subtract the detector's bias structure from every group."""

    class_alias = "superbias"
    accepts = (Ramp, SuperstripeRamp)
    reference_file_types = ("superbias",)
    expects = ("dq_init", "saturation")

    def apply(self, exposure: Ramp, references: References) -> Ramp:
        bias = references.superbias
        subtracted = subtract_superbias(
            exposure.data,
            exposure.pixeldq,
            bias.plane("data", exposure),
            bias.plane("dq", exposure),
            zeroframe=exposure.zeroframe,
        )
        return replace(exposure, data=subtracted.data, pixeldq=subtracted.pixeldq, zeroframe=subtracted.zeroframe)
