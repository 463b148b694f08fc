"""NIRSpec IRS2 readout: reference pixels and a reference output between and beside the pixels of the detector."""

from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import ArrayLike

from gpipe import dq
from gpipe.arrays.detector import DETECTOR_SIZE
from gpipe.arrays.interleaved import BLOCK, FRAME_ROWS, HALF, OUTPUTS, READS, with_science_rows
from gpipe.simulate.detectors import Detector
from gpipe.simulate.electronics import Readout
from gpipe.simulate.pixels import ADC_LIMIT, Pixels
from gpipe.simulate.readout import INTERLEAVED_ROW_OVERHEAD

BLOCKS = DETECTOR_SIZE // (OUTPUTS - 1) // (2 * HALF)
"""Blocks of an output in a row of the detector frame: 8 normal, 4 reference and 8 normal pixels."""
_BIAS_SPREAD = 60.0
_OUTPUT_LEVEL = -300.0
"""DN, of the reference output above the bias of the detector."""
NOISY = 8.0
"""Factor on the read noise of a bad reference pixel."""


@dataclass(frozen=True)
class BadReference:
    """A reference pixel that is much noisier than others: output from 1, block and pixel (0 or 1) of the block."""

    output: int
    block: int
    pixel: int


@dataclass(frozen=True)
class InterleavedReadout(Readout):
    """Five outputs, of which the first is the reference output, which shows only the noise that all have in common.

    Outputs with an even number read from high to low columns, and a block of 20 pixels takes 22 pixel times.
    """

    @property
    def shape(self) -> tuple[int, int]:
        return self.area.xsize, FRAME_ROWS

    @property
    def row_length(self) -> int:
        return BLOCKS * (BLOCK + 2) + INTERLEAVED_ROW_OVERHEAD

    def odd_lines(self) -> np.ndarray:
        """1 for odd columns and for the second reference pixel of a block (reads 2 and 3), else 0."""
        odd = np.arange(BLOCK) % 2
        odd[HALF : HALF + READS] = [0, 0, 1, 1]
        return np.tile(odd, OUTPUTS * BLOCKS)

    def backwards(self, output: int) -> bool:
        return output % 2 == 0

    def has_own_noise(self, output: int) -> bool:
        return output > 0

    def samples(self, lines: np.ndarray) -> np.ndarray:
        blocks = lines[:, :-INTERLEAVED_ROW_OVERHEAD].reshape(len(lines), BLOCKS, BLOCK + 2)
        read = np.r_[0:HALF, HALF + 1 : HALF + READS + 1, HALF + READS + 2 : BLOCK + 2]
        return blocks[:, :, read].reshape(len(lines), -1)


def bad_references(sca: Detector, seed: int) -> tuple[BadReference, BadReference]:
    """Two bad reference pixels, columns counted in the detector frame: one that the references name, one unknown."""
    rng = np.random.default_rng([seed, sca.code, crc32(b"bad reference pixels")])
    known, unknown = rng.integers(1, OUTPUTS), rng.integers(1, OUTPUTS)
    blocks, pixels = rng.permutation(BLOCKS)[:2], rng.integers(0, 2, 2)
    return (
        BadReference(int(known), int(blocks[0]), int(pixels[0])),
        BadReference(int(unknown), int(blocks[1]), int(pixels[1])),
    )


def interleave(image: np.ndarray, sca: Detector, others: ArrayLike) -> np.ndarray:
    """Put a full frame (…, row, column) among ``others``, which has the rows of IRS2 readout or broadcasts to them."""
    shape = (*image.shape[:-2], FRAME_ROWS, image.shape[-1])
    frame = np.broadcast_to(np.asarray(others, dtype=image.dtype), shape)
    return with_science_rows(frame, image, reference_first=sca.fast > 0)


def interleave_pixels(pixels: Pixels, sca: Detector, seed: int) -> Pixels:
    """Put the properties of the reads in the place of reference pixels between the pixels of a full frame."""
    noise = np.ones((OUTPUTS, BLOCKS, BLOCK), dtype=np.float32)
    for bad in bad_references(sca, seed):
        first = HALF + 2 * bad.pixel
        noise[bad.output, bad.block, first : first + 2] = NOISY
    linear = np.zeros((pixels.coefficients.shape[0], 1, 1), dtype=np.float32)
    linear[1] = 1
    fills: dict[str, ArrayLike] = {
        "gain": sca.gain,
        "bias": _bias(sca, seed),
        "dark": 0,
        "sensitivity": 0,
        "well": np.inf,
        "coefficients": linear,
        "saturation": ADC_LIMIT - 500,
        "dq": dq.REFERENCE_PIXEL,
        "reference": True,
    }
    arrays = {name: interleave(getattr(pixels, name), sca, fill) for name, fill in fills.items()}
    gaps = {name: interleave(gap, sca, False) for name, gap in pixels.gaps.items()}
    return Pixels(**arrays, gaps=gaps, noise=_science_order(noise, sca)[:, np.newaxis])


def science_row_numbers(sca: Detector) -> np.ndarray:
    """Return the indices of a full frame's rows in IRS2 readout."""
    numbers = np.full((FRAME_ROWS, 1), -1)
    found = interleave(np.zeros((DETECTOR_SIZE, 1), dtype=int), sca, numbers)
    return np.flatnonzero(found[:, 0] == 0)


def _bias(sca: Detector, seed: int) -> np.ndarray:
    """DN (row, column): each reference pixel has its own, which both of its reads show."""
    rng = np.random.default_rng([seed, sca.code, crc32(b"interleaved bias")])
    own = rng.standard_normal((OUTPUTS, BLOCKS, READS // 2, DETECTOR_SIZE), dtype=np.float32)
    bias = np.full((OUTPUTS, BLOCKS, BLOCK, DETECTOR_SIZE), sca.bias, dtype=np.float32)
    bias[:, :, HALF : HALF + READS] += np.float32(_BIAS_SPREAD) * np.repeat(own, 2, axis=2)
    bias[0] += np.float32(_OUTPUT_LEVEL)
    return _science_order(bias, sca)


def _science_order(detector_columns: np.ndarray, sca: Detector) -> np.ndarray:
    """(output, block, pixel, …) of the detector frame to (row, …) of the science frame."""
    rows = detector_columns.reshape(FRAME_ROWS, *detector_columns.shape[3:])
    return rows if sca.fast > 0 else rows[::-1]
