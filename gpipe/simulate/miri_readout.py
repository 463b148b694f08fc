"""Readout of MIRI's detectors: four outputs take turns along a row, a fifth reads no pixel."""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import ArrayLike

from gpipe import dq
from gpipe.simulate.detectors import Detector
from gpipe.simulate.electronics import Readout
from gpipe.simulate.pixels import ADC_LIMIT, Pixels
from gpipe.simulate.readout import MiriClocks

OUTPUTS = 5
"""The last one is the reference output."""
_REFERENCE_LEVEL = -300.0
"""DN, of the reference output above the bias of the detector."""


@dataclass(frozen=True)
class MiriReadout(Readout):
    """Five outputs beside each other in the detector frame, whose columns the science frame interleaves.

    The reference output stays beside the pixels there. All outputs read from low to high columns.
    """

    clocks: MiriClocks

    @property
    def shape(self) -> tuple[int, int]:
        return self.area.ysize, self.area.xsize // (OUTPUTS - 1) * OUTPUTS

    @property
    def row_length(self) -> int:
        return self.clocks.row

    def odd_lines(self) -> np.ndarray:
        """1 for every other row."""
        return (np.arange(self.area.ysize) % 2)[:, np.newaxis]

    def backwards(self, output: int) -> bool:
        return False

    def samples(self, lines: np.ndarray) -> np.ndarray:
        pixels = self.area.xsize // (OUTPUTS - 1)
        return lines[:, : pixels * self.clocks.pixel : self.clocks.pixel]

    def to_science(self, image: np.ndarray) -> np.ndarray:
        outputs = image.reshape(len(image), OUTPUTS, -1)
        pixels = np.moveaxis(outputs[:, :-1], 1, 2).reshape(len(image), -1)
        return beside(pixels, outputs[:, -1])

    def times(self) -> np.ndarray:
        """Clocks from the start of a frame, float64, detector frame."""
        row, columns = np.arange(self.area.ysize)[:, np.newaxis], np.arange(self.area.xsize // (OUTPUTS - 1))
        return np.tile(row * float(self.clocks.row) + columns * self.clocks.pixel, OUTPUTS)


def beside(image: np.ndarray, others: ArrayLike) -> np.ndarray:
    """Put the values of the reference output to the right of an image (…, row, column)."""
    shape = (*image.shape[:-1], image.shape[-1] // (OUTPUTS - 1))
    return np.concatenate([image, np.broadcast_to(np.asarray(others, dtype=image.dtype), shape)], axis=-1)


def apart(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split frames into pixels and the reference output to their right."""
    pixels = frames.shape[-1] // OUTPUTS * (OUTPUTS - 1)
    return frames[..., :pixels], frames[..., pixels:]


def with_reference_output(pixels: Pixels, sca: Detector) -> Pixels:
    """Put the properties of the reference output to the right of the pixels."""
    linear = np.zeros((len(pixels.coefficients), 1, 1), dtype=np.float32)
    linear[1] = 1
    fills: dict[str, ArrayLike] = {
        "gain": sca.gain,
        "bias": sca.bias + _REFERENCE_LEVEL,
        "well": np.inf,
        "coefficients": linear,
        "saturation": ADC_LIMIT,
        "dq": dq.REFERENCE_PIXEL,
        "reference": True,
    }
    arrays = [f.name for f in fields(pixels) if f.name not in ("gaps", "noise")]
    return replace(
        pixels,
        **{name: beside(getattr(pixels, name), fills.get(name, 0)) for name in arrays},
        gaps={name: beside(gap, False) for name, gap in pixels.gaps.items()},
    )
