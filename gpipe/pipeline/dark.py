"""Dark exposures: calibrated ramps, from which dark references are made."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from gpipe.controller import Pipeline, Step
from gpipe.datamodels import Exposure
from gpipe.dq_init import DQInitStep
from gpipe.emicorr import EmiCorrStep
from gpipe.firstframe import FirstFrameStep
from gpipe.group_scale import GroupScaleStep
from gpipe.ipc import IPCStep
from gpipe.lastframe import LastFrameStep
from gpipe.linearity import LinearityStep
from gpipe.pipeline.instruments import early_steps
from gpipe.refpix import RefPixStep
from gpipe.reset import ResetStep
from gpipe.rscd import RscdStep
from gpipe.saturation import SaturationStep
from gpipe.superbias import SuperBiasStep


class DarkPipeline(Pipeline):
    """Calibrate an uncalibrated dark exposure up to the ramp whose dark signal has not been subtracted.

    The product is the calibrated ramp, ``_dark``. The order is that of
    https://jwst-pipeline.readthedocs.io/en/latest/jwst/pipeline/calwebb_dark.html
    """

    alias = "calwebb_dark"

    step_defs: ClassVar[Mapping[str, type[Step]]] = {
        "group_scale": GroupScaleStep,
        "dq_init": DQInitStep,
        "emicorr": EmiCorrStep,
        "saturation": SaturationStep,
        "ipc": IPCStep,
        "superbias": SuperBiasStep,
        "refpix": RefPixStep,
        "reset": ResetStep,
        "rscd": RscdStep,
        "firstframe": FirstFrameStep,
        "lastframe": LastFrameStep,
        "linearity": LinearityStep,
    }

    group_scale: GroupScaleStep
    dq_init: DQInitStep
    emicorr: EmiCorrStep
    saturation: SaturationStep
    ipc: IPCStep
    superbias: SuperBiasStep
    refpix: RefPixStep
    reset: ResetStep
    rscd: RscdStep
    firstframe: FirstFrameStep
    lastframe: LastFrameStep
    linearity: LinearityStep

    def order(self, meta: Any) -> Sequence[str]:
        """Return the order of the steps, which differs for MIRI; guide exposures are refused."""
        return early_steps(meta)

    def suffixes(self, shape: Sequence[int], step: str | None = None) -> Sequence[str | None]:
        """List the suffix of the calibrated ramp."""
        return (self.suffix or "dark",) if step is None else (None,)

    def suffix_of(self, result: Exposure, step: str | None) -> str | None:
        """The calibrated ramp is ``dark``, unless ``suffix`` says otherwise."""
        return (self.suffix or "dark") if step is None else None
