"""The pixels of a detector: every property that a reference file describes, known exactly."""

from dataclasses import dataclass
from zlib import crc32

import numpy as np

from gpipe import dq
from gpipe.arrays.detector import DETECTOR_SIZE
from gpipe.datamodels.exposures.window import Window
from gpipe.simulate.config import DetectorEffects
from gpipe.simulate.detectors import Detector
from gpipe.simulate.response import invert_response

_BLOCK_ROWS = 64
ADC_LIMIT = 65535
_SATURATION_MARGIN = 0.97
_OUTPUT_LEVELS = np.array([-210, 140, -60, 180], dtype=np.float32)
_COLUMN_LEVELS = np.array([-25, 25], dtype=np.float32)
_HIGHER_POWERS = (4e-12, 3e-17)
"""1/DN^2 and 1/DN^3, coefficients of the correction of non-linearity."""
_GAPS = ("superbias", "linearity", "saturation", "dark", "gain")
_MIRI_GAPS = ("reset", *_GAPS[1:])
"""References that know nothing of a few pixels."""


@dataclass(frozen=True)
class Pixels:
    """Properties of the pixels of a window; float32 (row, column) unless noted.

    Attributes
    ----------
    gain : electron/DN.
    bias : DN.
    dark : electron/s.
    sensitivity : share of the light that is detected: 1, or 0 of dead and of reference pixels.
    well : electron, at which a pixel collects no more.
    coefficients : (5, row, column), of the polynomial that corrects non-linearity, in ascending powers of DN.
    saturation : DN as read, bias included, from which on a pixel counts as saturated.
    dq : uint32, what the mask says of each pixel.
    gaps : for each reference type, boolean, pixels that the reference has no value for.
    reference : boolean, pixels that see no light.
    noise : factor on the read noise; broadcasts against (row, column).
    """

    gain: np.ndarray
    bias: np.ndarray
    dark: np.ndarray
    sensitivity: np.ndarray
    well: np.ndarray
    coefficients: np.ndarray
    saturation: np.ndarray
    dq: np.ndarray
    gaps: dict[str, np.ndarray]
    reference: np.ndarray
    noise: np.ndarray


def make_pixels(sca: Detector, area: Window, effects: DetectorEffects) -> Pixels:
    """The pixels of a window of a detector. A subarray has the same pixels as that part of the full frame."""
    draw = Draw(sca, area, effects.seed)
    reference = reference_pixels(sca, area)
    gain = sca.gain * (1 + 0.01 * draw.normal("gain"))
    well = np.where(reference, np.float32(np.inf), sca.full_well * (1 + 0.03 * draw.normal("well")))
    bias = sca.bias + _amplifier_pattern(sca, area) + 60 * draw.normal("bias")
    hot = draw.chosen("hot", effects.hot_fraction) & ~reference
    dead = draw.chosen("dead", effects.dead_fraction) & ~reference
    dark = _dark(sca, draw, hot) * effects.dark_scale * ~reference
    coefficients = _coefficients(sca, draw, reference, effects.nonlinearity)
    flags = np.where(reference, dq.REFERENCE_PIXEL, 0) | np.where(dead, dq.DEAD | dq.DO_NOT_USE, 0)
    gaps = _MIRI_GAPS if sca.mid_infrared else _GAPS
    flags = flags | np.where(hot, dq.HOT, 0) | np.where(hot & (dark > 30), dq.DO_NOT_USE, 0)
    return Pixels(
        gain=gain,
        bias=bias,
        dark=dark,
        sensitivity=np.where(reference | dead, np.float32(0), np.float32(1)),
        well=well,
        coefficients=coefficients,
        saturation=_saturation_level(sca, well, gain, bias, coefficients),
        dq=flags.astype(np.uint32),
        gaps={name: draw.chosen(f"{name} gap", effects.gap_fraction) & ~reference for name in gaps},
        reference=reference,
        noise=np.ones((area.ysize, 1), dtype=np.float32),
    )


def reference_pixels(sca: Detector, area: Window) -> np.ndarray:
    """Boolean (row, column): the pixels on the edge of the detector, which see no light."""
    lit = sca.sees_light
    y = np.arange(area.ystart - 1, area.ystart - 1 + area.ysize)[:, np.newaxis]
    x = np.arange(area.xstart - 1, area.xstart - 1 + area.xsize)
    outside_rows = (y < lit.ystart - 1) | (y >= lit.ystart - 1 + lit.ysize)
    return outside_rows | (x < lit.xstart - 1) | (x >= lit.xstart - 1 + lit.xsize)


class Draw:
    """Random fields over the detector, drawn in blocks of rows so that a window needs only its own blocks."""

    def __init__(self, sca: Detector, area: Window, seed: int):
        self._seed = [seed, sca.code]
        self._width = sca.full.xsize
        self._area = area

    def normal(self, name: str) -> np.ndarray:
        return self._field(name, lambda rng, shape: rng.standard_normal(shape, dtype=np.float32))

    def uniform(self, name: str) -> np.ndarray:
        return self._field(name, lambda rng, shape: rng.random(shape, dtype=np.float32))

    def chosen(self, name: str, fraction: float) -> np.ndarray:
        return self.uniform(name) < fraction

    def _field(self, name, sample) -> np.ndarray:
        area, code = self._area, crc32(name.encode())
        first, last = (area.ystart - 1) // _BLOCK_ROWS, (area.ystart + area.ysize - 2) // _BLOCK_ROWS
        columns = slice(area.xstart - 1, area.xstart - 1 + area.xsize)
        blocks = [
            sample(np.random.Generator(np.random.SFC64([*self._seed, code, block])), (_BLOCK_ROWS, self._width))[
                :, columns
            ]
            for block in range(first, last + 1)
        ]
        skipped = area.ystart - 1 - first * _BLOCK_ROWS
        return np.concatenate(blocks)[skipped : skipped + area.ysize]


def _amplifier_pattern(sca: Detector, area: Window) -> np.ndarray:
    """Levels of the four full-frame outputs and of odd and even columns, DN, that broadcast over the window.

    MIRI's outputs take every fourth column each, and its odd and even rows differ.
    """
    if sca.mid_infrared:
        column, row = (np.arange(start - 1, start - 1 + size) for start, size in _extents(area))
        return _OUTPUT_LEVELS[column % 4] + _COLUMN_LEVELS[row % 2][:, np.newaxis]
    start, size = (area.xstart, area.xsize) if sca.fast_along_columns else (area.ystart, area.ysize)
    position = np.arange(start - 1, start - 1 + size)
    level = _OUTPUT_LEVELS[position // (DETECTOR_SIZE // 4)] + _COLUMN_LEVELS[position % 2]
    return level if sca.fast_along_columns else level[:, np.newaxis]


def _extents(area: Window) -> tuple[tuple[int, int], tuple[int, int]]:
    return (area.xstart, area.xsize), (area.ystart, area.ysize)


def _dark(sca: Detector, draw: Draw, hot: np.ndarray) -> np.ndarray:
    """electron/s: log-normal about the typical value; hot pixels from 0.3 to 300 electron/s."""
    usual = np.float32(sca.dark) * np.exp(0.35 * draw.normal("dark"))
    return np.where(hot, 0.3 * np.float32(1000.0) ** draw.uniform("hot dark"), usual)


def _coefficients(sca: Detector, draw: Draw, reference: np.ndarray, nonlinear: bool) -> np.ndarray:
    """Coefficients of P, where P(DN read - bias) is the signal that a linear pixel would have shown."""
    bend = np.where(reference | (not nonlinear), np.float32(0), 1 + 0.06 * draw.normal("curvature"))
    powers = np.array([0, 0, sca.curvature, *_HIGHER_POWERS], dtype=np.float32)[:, np.newaxis, np.newaxis]
    coefficients = powers * bend
    coefficients[1] = 1
    return coefficients


def _saturation_level(sca: Detector, well, gain, bias, coefficients) -> np.ndarray:
    full = np.where(np.isfinite(well), well / gain, np.float32(ADC_LIMIT))
    if sca.mid_infrared:
        level = invert_response(bias + _SATURATION_MARGIN * full, coefficients)
    else:
        level = bias + _SATURATION_MARGIN * invert_response(full, coefficients)
    return np.minimum(level, np.float32(ADC_LIMIT - 500))
