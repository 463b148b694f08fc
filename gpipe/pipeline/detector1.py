"""The first stage: from uncalibrated ramps to count rates."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from gpipe.charge_migration import ChargeMigrationStep
from gpipe.clean_flicker_noise import CleanFlickerNoiseStep
from gpipe.controller import Pipeline, Step
from gpipe.controller import parameters as p
from gpipe.controller.products.naming import OutputSettings
from gpipe.dark_current import DarkCurrentStep
from gpipe.datamodels import Exposure
from gpipe.datamodels.exposures.instruments import is_miri
from gpipe.dq_init import DQInitStep
from gpipe.emicorr import EmiCorrStep
from gpipe.firstframe import FirstFrameStep
from gpipe.gain_scale import GainScaleStep
from gpipe.group_scale import GroupScaleStep
from gpipe.ipc import IPCStep
from gpipe.jump import JumpStep
from gpipe.lastframe import LastFrameStep
from gpipe.linearity import LinearityStep
from gpipe.persistence import PersistenceStep
from gpipe.picture_frame import PictureFrameStep
from gpipe.pipeline.instruments import early_steps
from gpipe.ramp_fitting import RampFitStep
from gpipe.refpix import RefPixStep
from gpipe.reset import ResetStep
from gpipe.rscd import RscdStep
from gpipe.saturation import SaturationStep
from gpipe.superbias import SuperBiasStep


class Detector1Pipeline(Pipeline):
    """Calibrate an uncalibrated exposure: ramps in, the mean count rate out.

    Products: ``_rate`` (returned), ``_rateints`` (a rate for each integration) and, when asked for, ``_ramp``. Where
    ramp_fit is skipped the calibrated ramp is the result. The order is that of
    https://jwst-pipeline.readthedocs.io/en/latest/jwst/pipeline/calwebb_detector1.html
    """

    alias = "calwebb_detector1"

    save_calibrated_ramp = p.Boolean(False, help="Save the calibrated ramp, before rates are fitted to it.")

    step_defs: ClassVar[Mapping[str, type[Step]]] = {
        "group_scale": GroupScaleStep,
        "dq_init": DQInitStep,
        "emicorr": EmiCorrStep,
        "saturation": SaturationStep,
        "ipc": IPCStep,
        "superbias": SuperBiasStep,
        "refpix": RefPixStep,
        "rscd": RscdStep,
        "firstframe": FirstFrameStep,
        "lastframe": LastFrameStep,
        "linearity": LinearityStep,
        "dark_current": DarkCurrentStep,
        "reset": ResetStep,
        "persistence": PersistenceStep,
        "charge_migration": ChargeMigrationStep,
        "jump": JumpStep,
        "picture_frame": PictureFrameStep,
        "clean_flicker_noise": CleanFlickerNoiseStep,
        "ramp_fit": RampFitStep,
        "gain_scale": GainScaleStep,
    }
    step_synonyms: ClassVar[Mapping[str, str]] = {"dark": "dark_current"}
    saves_before: ClassVar[Mapping[str, str]] = {"ramp_fit": "ramp"}

    group_scale: GroupScaleStep
    dq_init: DQInitStep
    emicorr: EmiCorrStep
    saturation: SaturationStep
    ipc: IPCStep
    superbias: SuperBiasStep
    refpix: RefPixStep
    rscd: RscdStep
    firstframe: FirstFrameStep
    lastframe: LastFrameStep
    linearity: LinearityStep
    dark_current: DarkCurrentStep
    reset: ResetStep
    persistence: PersistenceStep
    charge_migration: ChargeMigrationStep
    jump: JumpStep
    picture_frame: PictureFrameStep
    clean_flicker_noise: CleanFlickerNoiseStep
    ramp_fit: RampFitStep
    gain_scale: GainScaleStep

    def order(self, meta: Any) -> Sequence[str]:
        """Return the order of the steps, which differs for MIRI; guide exposures are refused."""
        early, miri = early_steps(meta), is_miri(meta)
        dark = ("dark_current", "refpix") if miri else ("dark_current",)
        late = ("charge_migration", "jump", "picture_frame", "clean_flicker_noise")
        # Released charge adds to light before the dark is subtracted; flags of windows may follow those of jumps.
        # The traps of near-infrared detectors are none of MIRI's.
        if self.step_of(PersistenceStep).subtracts and not miri:
            steps = (*early, "persistence", *dark, *late)
        else:
            steps = (*early, *dark, *late, "persistence")
        return (*steps, "ramp_fit", "gain_scale")

    def asks_for(self, suffix: str) -> bool:
        """Tell whether the calibrated ramp is asked for. Without a fit it is the result, which is saved anyway."""
        is_result = self.ramp_fit.skip and OutputSettings.of(self).saves
        return self.save_calibrated_ramp and not is_result

    def suffixes(self, shape: Sequence[int], step: str | None = None) -> Sequence[str | None]:
        """List the suffixes of the results: of rates or, without a fit, of the ramp."""
        if step is not None:
            return (None,)
        return tuple(map(self._named, ("ramp",) if self.ramp_fit.skip else ("rate", "rateints")))

    def _named(self, kind: str | None) -> str | None:
        """Put ``suffix`` in the place of that of a kind: ``mine`` and, of integrations, ``mineints``."""
        return f"{self.suffix}{'ints' * (kind == 'rateints')}" if self.suffix else kind

    def suffix_of(self, result: Exposure, step: str | None) -> str | None:
        """Products have the suffix of their kind; rates of integrations are ``gain_scaleints`` after that step."""
        if step is None:
            return self._named(result.suffix)
        return "gain_scaleints" if step == "gain_scale" and result.suffix == "rateints" else None
