"""All steps, where scripts written for jwst import them from."""

from gpipe.imports import collector_at_rest, missing_name

with collector_at_rest():
    from gpipe.assign_wcs import AssignWcsStep
    from gpipe.background import BackgroundStep
    from gpipe.charge_migration import ChargeMigrationStep
    from gpipe.clean_flicker_noise import CleanFlickerNoiseStep
    from gpipe.dark_current import DarkCurrentStep
    from gpipe.dq_init import DQInitStep
    from gpipe.emicorr import EmiCorrStep
    from gpipe.firstframe import FirstFrameStep
    from gpipe.flatfield import FlatFieldStep
    from gpipe.gain_scale import GainScaleStep
    from gpipe.group_scale import GroupScaleStep
    from gpipe.ipc import IPCStep
    from gpipe.jump import JumpStep
    from gpipe.lastframe import LastFrameStep
    from gpipe.linearity import LinearityStep
    from gpipe.persistence import PersistenceStep
    from gpipe.photom import PhotomStep
    from gpipe.picture_frame import PictureFrameStep
    from gpipe.ramp_fitting import RampFitStep
    from gpipe.refpix import RefPixStep
    from gpipe.resample import ResampleStep
    from gpipe.reset import ResetStep
    from gpipe.rscd import RscdStep
    from gpipe.saturation import SaturationStep
    from gpipe.superbias import SuperBiasStep

__all__ = [
    "AssignWcsStep",
    "BackgroundStep",
    "ChargeMigrationStep",
    "CleanFlickerNoiseStep",
    "DQInitStep",
    "DarkCurrentStep",
    "EmiCorrStep",
    "FirstFrameStep",
    "FlatFieldStep",
    "GainScaleStep",
    "GroupScaleStep",
    "IPCStep",
    "JumpStep",
    "LastFrameStep",
    "LinearityStep",
    "PersistenceStep",
    "PhotomStep",
    "PictureFrameStep",
    "RampFitStep",
    "RefPixStep",
    "ResampleStep",
    "ResetStep",
    "RscdStep",
    "SaturationStep",
    "SuperBiasStep",
]


def __getattr__(name: str) -> object:
    raise missing_name(__name__, name, __all__)
