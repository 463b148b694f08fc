"""Signal that MIRI's resets and the end of an integration add to its pixels, in DN as read."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from stdatamodels.jwst import datamodels

from gpipe import dq
from gpipe.datamodels.exposures.window import Window
from gpipe.simulate.config import DetectorEffects, ExposureConfig
from gpipe.simulate.detectors import Detector
from gpipe.simulate.miri_readout import beside
from gpipe.simulate.pixels import Draw, Pixels
from gpipe.simulate.readout import READ_PATTERNS, SUBARRAYS
from gpipe.simulate.references import described, flagged, with_gaps

_DECAY = 2.5
"""Frames over which what a reset leaves behind falls by a factor e."""
_DECAY_FRAMES = 20
"""Frames after which it is too small for the reference to tell."""
_FIRST, _LATER = 1.0, 0.6
"""Its size in the first and in later integrations, as a share."""
_LEVEL, _ROWS, _SPREAD = 40.0, 8.0, 6.0
"""DN: of a typical pixel, of odd rows more than that, and how much pixels differ."""
_SWITCH_SHARE, _SWITCH_DECAY = 0.01, 0.6
"""Share of the signal before a reset that is missing after it, and frames over which this falls by a factor e."""
_SKIP = {"FASTR1": (1, 4), "SLOWR1": (1, 3)}
"""Groups that the rscd reference says to skip in the first and in later integrations; 1 where groups are averaged."""
_COUPLING = 0.02
"""Share of the signal of the row below that is missing in the last frame, while rows are reset one by one."""


class Anomalies:
    """The anomalies of the frames of an exposure, with the reference output, which has none, beside the pixels."""

    def __init__(self, config: ExposureConfig, pixels: Pixels):
        self._effects, self._last = config.pixels, config.pattern.frames(config.ngroups) - 1
        self._decay = reset_level(config.sca, config.window, config.pixels)
        self._lit = ~pixels.reference[:, : config.window.xsize]

    def reset(self, number: int, signal: np.ndarray) -> None:
        """Start an integration after one that ended with a signal in DN: nothing before the first."""
        self._share = np.float32(_FIRST if number == 0 else _LATER)
        self._before = np.where(self._lit, signal[:, : self._lit.shape[1]], np.float32(0))

    def frame(self, index: int, signal: np.ndarray) -> np.ndarray:
        """DN in a frame whose signal is given (row, column)."""
        effects = self._effects
        level: np.ndarray = self._share * decay(index) * self._decay
        level = level - np.float32(effects.rscd * _SWITCH_SHARE * np.exp(-index / _SWITCH_DECAY)) * self._before
        if index == self._last:
            below = np.roll(signal[:, : level.shape[1]], 1, axis=0)
            below[0] = 0
            level = level - np.float32(effects.last_frame * _COUPLING) * np.where(self._lit, below, np.float32(0))
        return beside(level, 0)


def reset_level(sca: Detector, area: Window, effects: DetectorEffects) -> np.ndarray:
    """Signal that a reset leaves in the first frame of the first integration, DN, float32 (row, column)."""
    rows = np.arange(area.ystart, area.ystart + area.ysize)[:, np.newaxis] % 2
    spread = _SPREAD * Draw(sca, area, effects.seed).normal("reset")
    return np.float32(effects.reset_decay) * (_LEVEL + _ROWS * rows + spread).astype(np.float32)


def decay(frames: ArrayLike) -> np.ndarray:
    """Share of the reset's signal left in frames, counted from 0; float32."""
    return np.exp(-np.asarray(frames) / _DECAY).astype(np.float32)


def make_reset(config: ExposureConfig, area: Window, pixels: Pixels) -> Any:
    """The reset reference, DN: groups of the first integration, and of all later ones."""
    model = described(datamodels.ResetModel, "RESET", config, area)
    pattern = config.pattern
    groups = -(-_DECAY_FRAMES // pattern.nframes)
    model.update({"meta": {"exposure": {"readpatt": config.readpatt, "nints": 2, "ngroups": groups}}})
    left = decay(np.arange(groups * pattern.nframes)).reshape(groups, -1).mean(axis=1)
    shares = np.outer(np.array([_FIRST, _LATER], dtype=np.float32), left)[..., np.newaxis, np.newaxis]
    level = with_gaps(reset_level(config.sca, area, config.pixels), pixels.gaps["reset"])
    model.data = shares * level
    flagged(model, pixels.gaps["reset"], "UNRELIABLE_BIAS", dq.UNRELIABLE_BIAS)
    return model


def make_rscd(config: ExposureConfig) -> Any:
    """The rscd reference: how many groups to skip, by subarray and read pattern."""
    model = described(datamodels.RSCDModel, "RSCD", config, config.sca.full)
    rows = [
        (subarray, readpatt, *_SKIP.get(readpatt, (1, 1)))
        for subarray in ("FULL", *SUBARRAYS["MIRI"])
        for readpatt in READ_PATTERNS["MIRI"]
    ]
    columns = [("subarray", "S17"), ("readpatt", "S12"), ("group_skip1", "i4"), ("group_skip", "i4")]
    model.rscd_group_skip_table = np.array(rows, dtype=columns)
    return model
