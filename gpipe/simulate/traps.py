"""Charge traps: they fill while pixels hold charge, and let it go long after."""

from dataclasses import dataclass

import numpy as np

from gpipe.datamodels.exposures.window import Window
from gpipe.simulate.config import DetectorEffects, ExposureConfig
from gpipe.simulate.detectors import Detector
from gpipe.simulate.pixels import Draw, Pixels, make_pixels

_DENSITY = 60.0
"""DN of charge that the traps of a typical pixel hold."""
_FULL_SHARE = 0.9
"""Share of the saturation level at which charge reaches all traps."""


@dataclass(frozen=True)
class Family:
    """Traps of one kind: the shares that capture slowly and at once, and the times of capture and release in s."""

    slow: float
    capture: float
    at_once: float
    release: float


FAMILIES = (Family(0.25, 40.0, 0.05, 90.0), Family(0.4, 300.0, 0.02, 900.0), Family(0.25, 1500.0, 0.03, 6000.0))


@dataclass(frozen=True)
class TrapSites:
    """Attributes: ``density`` and ``full_well`` float32, (row, column), DN."""

    density: np.ndarray
    full_well: np.ndarray


def make_sites(sca: Detector, area: Window, effects: DetectorEffects, pixels: Pixels) -> TrapSites:
    """The traps of the pixels of a window."""
    spread = np.exp(0.3 * Draw(sca, area, effects.seed).normal("traps"))
    density = np.float32(_DENSITY * effects.traps) * spread * ~pixels.reference
    return TrapSites(density, np.float32(_FULL_SHARE) * (pixels.saturation - pixels.bias))


class Traps:
    """The state of the traps of a window: ``filled`` (family, row, column), DN."""

    def __init__(self, sites: TrapSites, filled: np.ndarray):
        self.sites, self.filled = sites, filled

    def release(self, seconds: float) -> np.ndarray:
        """Release charge of traps within a time, float32 (row, column), DN."""
        share = -np.expm1([-seconds / family.release for family in FAMILIES])
        gone = self.filled * share[:, np.newaxis, np.newaxis]
        self.filled = self.filled - gone
        return gone.sum(axis=0).astype(np.float32)

    def capture(self, rate: np.ndarray, seconds: float) -> None:
        """Fill traps at the end of an integration of this length with a signal of ``rate`` (DN/s).

        Charge at a fraction f of the full well reaches a share f^2 of the traps. Traps reached for a time u have the
        weight 2 u du until the well is full; from then on the rest fills exponentially.
        """
        slope = np.maximum(rate / self.sites.full_well, 1e-12).astype(np.float64)
        linear = np.minimum(seconds, 1 / slope)
        full = seconds - linear
        shares = []
        for family in FAMILIES:
            x = linear / family.capture
            caught = family.capture**2 * (x**2 / 2 + (1 + x) * np.exp(-x) - 1)
            share = slope**2 * (2 * family.slow * caught + family.at_once * linear**2)
            share += (family.slow + family.at_once - share) * -np.expm1(-full / family.capture)
            shares.append(share)
        self.filled = self.filled + self.sites.density * np.stack(shares)


def traps_at_start(config: ExposureConfig) -> Traps | None:
    """The traps when an exposure starts, after those that it follows; None for a detector without traps."""
    if not config.pixels.traps:
        return None
    pixels = make_pixels(config.sca, config.window, config.pixels)
    if config.after is None:
        sites = make_sites(config.sca, config.window, config.pixels, pixels)
        return Traps(sites, np.zeros((len(FAMILIES), *sites.density.shape)))
    traps = _traps_at_end(config.after, pixels)
    traps.release(config.start - config.after.end)
    return traps


def _traps_at_end(config: ExposureConfig, pixels: Pixels) -> Traps:
    traps = traps_at_start(config)
    assert traps is not None
    rate = (config.scene.rate(config.window) * pixels.sensitivity + pixels.dark) / pixels.gain
    for _ in range(config.nints):
        traps.release(config.integration_time)
        traps.capture(rate, config.integration_time + config.frame_time)
        traps.release(config.frame_time)
    return traps
