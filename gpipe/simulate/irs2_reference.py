"""The refpix reference of NIRSpec IRS2 readout, with weights that follow from the simulated noise."""

from typing import Any

import numpy as np
from stdatamodels.jwst import datamodels

from gpipe.arrays.detector import DETECTOR_SIZE
from gpipe.arrays.interleaved import OUTPUTS, READS
from gpipe.simulate.config import ExposureConfig
from gpipe.simulate.electronics import COMMON
from gpipe.simulate.interleaved import InterleavedReadout, bad_references
from gpipe.simulate.references import ANALOG_TO_DIGITAL_VARIANCE, described

_STEP = 22
"""Pixel times between the reference pixels of one block and the next."""
_STREAM_SHARE = 2 * READS / _STEP
"""Share of the time in which the corrected stream of reference pixels is not 0; a read counts twice."""
_TAPER = 0.6
"""Frequency at which the weight of the reference pixels begins to fall, in units of their highest frequency."""


def make_refpix(config: ExposureConfig) -> Any:
    """Weights by frequency, the same for all outputs, and the bad reference pixel that is known."""
    model = described(datamodels.IRS2Model, "REFPIX", config, config.window)
    model.meta.exposure.readpatt = config.readpatt
    alpha, beta = weights(config)
    table = np.zeros(2 * len(alpha), dtype=[(f"{name}_{k}", "f4") for name in ("alpha", "beta") for k in range(4)])
    for k in range(4):
        table[f"alpha_{k}"][::2], table[f"beta_{k}"][::2] = alpha, beta
    model.irs2_table = table
    model.dq_table = _bad_table(config)
    return model


def weights(config: ExposureConfig) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the reference output and of the reference pixels that predict an output's 1/f noise best.

    At each frequency the output's noise is predicted from two measurements. The reference output shows the part that
    outputs share. The reference pixels show the whole noise, below half their rate. Both have white noise. The weights
    solve the two normal equations (Rauscher et al. 2017, PASP 129, 105003).
    """
    readout = InterleavedReadout(config.sca, config.window, OUTPUTS)
    length = DETECTOR_SIZE * readout.row_length
    number = np.arange(length)
    frequency = np.maximum(np.minimum(number, length - number), 1) / length
    pink = _density(config.noise.one_over_f, length) / frequency
    read_noise = config.sca.read_noise / config.sca.gain
    shared, white = COMMON * pink, config.noise.read_noise**2 + ANALOG_TO_DIGITAL_VARIANCE / read_noise**2
    white_of_reads = white * _STEP / READS
    determinant = (pink + white_of_reads) * (shared + white) - shared**2
    reads = (pink * (shared + white) - shared**2) / determinant
    output = shared * white_of_reads / determinant
    alone = shared / (shared + white)
    seen = np.clip((1 - 2 * _STEP * frequency) / (1 - _TAPER), 0, 1)
    return alone + seen * (output - alone), seen * reads / _STREAM_SHARE


def _density(sigma: float, length: int) -> float:
    """Two-sided power density of 1/f noise at a frequency of 1 a pixel time, in units of the read noise squared."""
    return sigma**2 / (2 * (np.log(length / 2) + np.euler_gamma))


def _bad_table(config: ExposureConfig) -> np.ndarray:
    """A row for each output and pixel of a block, with a bit for every bad block, as in flight references."""
    known = bad_references(config.sca, config.pixels.seed)[0]
    rows = []
    for output in range(1, OUTPUTS):
        for odd_even in (1, 2):
            pixel = 2 - odd_even if output % 2 == 0 else odd_even - 1  # counted in the order of reading
            bad = (known.output, known.pixel) == (output, pixel)
            rows.append((output, odd_even, 1 << known.block if bad else 0))
    return np.array(rows, dtype=[("OUTPUT", "u2"), ("ODD_EVEN", "u2"), ("MASK", "u4")])
