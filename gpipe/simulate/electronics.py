"""Noise of the readout electronics: drifts of the outputs and 1/f noise, in the order of the readout."""

from dataclasses import dataclass

import numpy as np

from gpipe.datamodels.exposures.window import Window
from gpipe.simulate.detectors import Detector
from gpipe.simulate.readout import ROW_OVERHEAD

_DRIFT_TIME = 10.0
"""Seconds over which drifts are quoted."""
_RESET = 10.0
"""Shift of the levels by a reset, in such drifts."""
LONGER_THAN_FRAME = 1.125
"""Noise is made for longer than a frame, because it is periodic and the ends of a frame are not neighbours."""
COMMON = 0.5
"""Share of the variance of 1/f noise that all outputs have in common."""


@dataclass(frozen=True)
class Readout:
    """Readout of a window through ``noutputs`` outputs, each a stripe of columns of the detector frame.

    In the detector frame (slow, fast) rows are read one after the other, and pixels of a row from low to high index
    in even outputs and from high to low in odd ones.
    """

    sca: Detector
    area: Window
    noutputs: int

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the window in the detector frame."""
        rows, columns = self.area.ysize, self.area.xsize
        return (rows, columns) if self.sca.fast_along_columns else (columns, rows)

    @property
    def row_length(self) -> int:
        """Pixel times from one row to the next."""
        return self.shape[1] // self.noutputs + ROW_OVERHEAD

    def odd_lines(self) -> np.ndarray:
        """1 for every other column of the detector frame, else 0."""
        return np.arange(self.shape[1]) % 2

    def backwards(self, output: int) -> bool:
        """Tell whether an output reads from high to low columns."""
        return output % 2 == 1

    def has_own_noise(self, output: int) -> bool:
        """Tell whether an output has noise beside the noise common to all outputs."""
        return True

    def samples(self, lines: np.ndarray) -> np.ndarray:
        """Cut the pixels that an output reads out of its rows, (row, pixel time): (row, pixel)."""
        return lines[:, : self.shape[1] // self.noutputs]

    def to_science(self, image: np.ndarray) -> np.ndarray:
        """A view in the science frame of an image in the detector frame."""
        fast, slow = np.sign(self.sca.fast), np.sign(self.sca.slow)
        image = image[..., ::slow, ::fast]
        return image if self.sca.fast_along_columns else np.swapaxes(image, -2, -1)


class Drift:
    """Random walks of the level of each output, and of its odd columns (MIRI: rows); start anew at a reset."""

    def __init__(self, readout: Readout, amplifier: float, odd_even: float, rng: np.random.Generator):
        self._readout, self._rng = readout, rng
        self._steps = np.array([[amplifier], [odd_even]])
        self.reset()

    def reset(self) -> None:
        self._level = _RESET * self._steps * self._rng.standard_normal((2, self._readout.noutputs))

    def advance(self, seconds: float) -> None:
        step = self._steps * np.sqrt(seconds / _DRIFT_TIME)
        self._level = self._level + step * self._rng.standard_normal(self._level.shape)

    def row(self) -> np.ndarray:
        """DN for each column of the detector frame, and each row where these differ; float32."""
        columns = self._readout.shape[1]
        output = np.arange(columns) * self._readout.noutputs // columns
        return (self._level[0][output] + self._level[1][output] * self._readout.odd_lines()).astype(np.float32)


class OneOverF:
    """Noise with a power spectrum as 1/frequency within a frame, independent from frame to frame."""

    def __init__(self, readout: Readout, sigma: float, rng: np.random.Generator):
        self._readout, self._sigma, self._rng = readout, sigma, rng
        self._length = _fast_length(round(LONGER_THAN_FRAME * readout.shape[0] * readout.row_length))
        frequency = np.arange(1, self._length // 2 + 1, dtype=np.float64)
        power = 1 / frequency
        self._amplitude = np.sqrt(power / power.sum()).astype(np.float32) * np.float32(self._length / 2)

    def frame(self) -> np.ndarray:
        """DN, float32, detector frame."""
        rows, columns = self._readout.shape
        outputs = self._readout.noutputs
        common = np.sqrt(COMMON if outputs > 1 else 0) * self._sigma
        own = np.sqrt(self._sigma**2 - common**2)
        shared = common * self._stream() if outputs > 1 else np.float32(0)
        image = np.empty((rows, outputs, columns // outputs), dtype=np.float32)
        for output in range(outputs):
            stream = np.asarray(shared + own * self._stream() if self._readout.has_own_noise(output) else shared)
            lines = stream[: rows * self._readout.row_length].reshape(rows, -1)
            samples = self._readout.samples(lines)
            image[:, output] = samples[:, ::-1] if self._readout.backwards(output) else samples
        return image.reshape(rows, columns)

    def _stream(self) -> np.ndarray:
        """One output's samples in time order, standard deviation 1."""
        modes = len(self._amplitude)
        spectrum = np.zeros(modes + 1, dtype=np.complex64)
        phases = self._rng.standard_normal((modes, 2), dtype=np.float32).view(np.complex64)[:, 0]
        spectrum[1:] = self._amplitude * phases
        return np.fft.irfft(spectrum, self._length)


def _fast_length(length: int) -> int:
    """The next even number without prime factors above 5, for which Fourier transforms are fast."""
    length += length % 2
    while _odd_part(length) != 1:
        length += 2
    return length


def _odd_part(number: int) -> int:
    for factor in (2, 3, 5):
        while number % factor == 0:
            number //= factor
    return number
