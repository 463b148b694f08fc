"""Uncalibrated exposures with known truth."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from stdatamodels.jwst import datamodels

from gpipe.simulate.config import ExposureConfig
from gpipe.simulate.interleaved import interleave, interleave_pixels, science_row_numbers
from gpipe.simulate.metadata import dated, describe
from gpipe.simulate.miri_ramp import expose_miri
from gpipe.simulate.pixels import Pixels, make_pixels
from gpipe.simulate.ramp import Ramps, expose
from gpipe.simulate.striped_exposure import arranged, cut, expose_stripes
from gpipe.simulate.traps import Traps, traps_at_start


@dataclass(frozen=True)
class Truth:
    """Result of a perfect calibration.

    Attributes
    ----------
    rate : float32 (row, column), DN/s of light alone, as the SCI array of a rate product has it; of all superstripes
        together.
    cosmic_rays : record array (integration, group, row, column, electrons, particle); ``group`` is the first group
        that holds any of the charge, row and column count from 0 within the window.
    saturated_from : int16 (integration, row, column), first saturated group; the number of groups if there is none.
    pixels : the properties of the detector's pixels.
    traps : (family, row, column), DN, that were filled when the exposure started; None without traps.
    showers : record array, see ``gpipe.simulate.showers``; None for near-infrared detectors.
    """

    rate: np.ndarray
    cosmic_rays: np.ndarray
    saturated_from: np.ndarray
    pixels: Pixels
    traps: np.ndarray | None = None
    showers: np.ndarray | None = None


@dataclass(frozen=True)
class SimulatedExposure:
    """An exposure in a file, and the truth about it."""

    path: Path
    config: ExposureConfig
    truth: Truth


def make_exposure(config: ExposureConfig) -> tuple[Any, Truth]:
    """Simulate an exposure in memory: the ``_uncal`` model and the truth. The same config gives the same numbers."""
    pixels = make_pixels(config.sca, config.footprint, config.pixels)
    rng = np.random.Generator(np.random.SFC64([config.seed, config.sca.code]))
    light = config.scene.rate(config.footprint)
    traps = traps_at_start(config)
    at_start = None if traps is None else traps.filled
    ramps = _expose(config, pixels, light, rng, traps)
    model = dated(datamodels.Level1bModel)()
    model.data = ramps.data
    if ramps.refout is not None:
        model.refout = ramps.refout
    if config.zero_frame:
        model.zeroframe = ramps.zeroframe
    describe(model, config)
    if config.striped:
        whole = config.stripe_window(None)
        light, pixels = cut(light, whole, config.footprint), arranged(pixels, whole, config.footprint)
    rate = light * pixels.sensitivity / pixels.gain * np.float32(config.gain_factor or 1)
    return model, Truth(rate, ramps.cosmic_rays, ramps.saturated_from, pixels, at_start, ramps.showers)


def _expose(
    config: ExposureConfig, pixels: Pixels, light: np.ndarray, rng: np.random.Generator, traps: Traps | None
) -> Ramps:
    """Ramps as they are sent; the truth about them has the rows of the detector."""
    if config.striped:
        return expose_stripes(config, pixels, light, rng)
    sca = config.sca
    if sca.mid_infrared:
        return expose_miri(config, pixels, light, rng)
    if not config.interleaved:
        return expose(config, pixels, light, rng, traps)
    sent = expose(config, interleave_pixels(pixels, sca, config.pixels.seed), interleave(light, sca, np.zeros(1)), rng)
    return replace(sent, saturated_from=sent.saturated_from[..., science_row_numbers(sca), :])


def write_exposure(config: ExposureConfig, folder: Path | str) -> SimulatedExposure:
    """Simulate an exposure and write it to ``folder`` (made when missing) as ``jw..._uncal.fits``."""
    path = Path(folder) / config.file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    model, truth = make_exposure(config)
    with model:
        model.save(path)
    return SimulatedExposure(path, config, truth)
