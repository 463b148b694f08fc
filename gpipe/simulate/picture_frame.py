"""NIRSpec's picture frame: heat makes the edges of the detectors drift away from their middle."""

from typing import Any

import numpy as np
from stdatamodels.jwst import datamodels

from gpipe.arrays.detector import DETECTOR_SIZE
from gpipe.datamodels.exposures.window import Window
from gpipe.simulate.config import ExposureConfig
from gpipe.simulate.references import described

_WIDTH = 60.0
"""Pixels over which the pattern falls by a factor e."""
_TILT = 0.1
"""Excess of the frame at the upper and right edges over the others, as a share."""
_VARIATION = 0.2
"""Standard deviation of its strength from integration to integration, as a share."""


def pattern(area: Window) -> np.ndarray:
    """The shape of the picture frame, about 1 at the edges and 0 in the middle; float32 (row, column)."""
    rows = np.arange(area.ystart - 1, area.ystart - 1 + area.ysize, dtype=np.float32)[:, np.newaxis]
    columns = np.arange(area.xstart - 1, area.xstart - 1 + area.xsize, dtype=np.float32)
    last = DETECTOR_SIZE - 1
    distance = np.minimum(np.minimum(rows, last - rows), np.minimum(columns, last - columns))
    tilt = 1 + np.float32(_TILT) * (rows + columns - last) / last
    return tilt * np.exp(-distance / np.float32(_WIDTH))


def make_picture_frame(config: ExposureConfig, area: Window) -> Any:
    """The reference file: the pattern, DN/s."""
    model = described(datamodels.PictureFrameModel, "PICTUREFRAME", config, area)
    model.data = pattern(area)
    return model


class PictureFrame:
    """The levels that it adds to the frames of an integration: they grow with time, faster or slower each time."""

    def __init__(self, config: ExposureConfig, shape: tuple[int, int], rows: np.ndarray, rng: np.random.Generator):
        self._strength, self._rng = config.noise.picture_frame, rng
        self._pattern = np.broadcast_to(np.float32(0), shape)
        if self._strength:
            self._pattern = np.zeros(shape, dtype=np.float32)
            self._pattern[rows] = pattern(config.window)

    def reset(self) -> None:
        self._level, self._rate = 0.0, 0.0
        if self._strength:
            self._rate = self._strength * (1 + _VARIATION * self._rng.standard_normal())

    def advance(self, seconds: float) -> np.ndarray:
        """DN after a time span, float32 (row, column)."""
        self._level += self._rate * seconds
        return self._pattern if not self._strength else np.float32(self._level) * self._pattern
