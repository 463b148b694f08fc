"""Simulated near-infrared exposures with known truth, and the CRDS references and cache that calibrate them."""

from gpipe.simulate.cache import CrdsCache, write_cache
from gpipe.simulate.config import DetectorEffects, ExposureConfig, NoiseEffects
from gpipe.simulate.exposure import SimulatedExposure, Truth, make_exposure, write_exposure
from gpipe.simulate.scene import Scene

__all__ = [
    "CrdsCache",
    "DetectorEffects",
    "ExposureConfig",
    "NoiseEffects",
    "Scene",
    "SimulatedExposure",
    "Truth",
    "make_exposure",
    "write_cache",
    "write_exposure",
]
