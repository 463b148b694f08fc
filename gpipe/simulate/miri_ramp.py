"""Ramps of MIRI's detectors: effects that near-infrared detectors do not have."""

from dataclasses import replace

import numpy as np

from gpipe.simulate.anomalies import Anomalies
from gpipe.simulate.config import ExposureConfig
from gpipe.simulate.interference import Interference
from gpipe.simulate.miri_readout import OUTPUTS, MiriReadout, apart, beside, with_reference_output
from gpipe.simulate.pixels import Pixels
from gpipe.simulate.ramp import Integration, Ramps, all_integrations
from gpipe.simulate.response import invert_response
from gpipe.simulate.showers import Showers


def expose_miri(config: ExposureConfig, pixels: Pixels, light: np.ndarray, rng: np.random.Generator) -> Ramps:
    """Expose pixels to ``light`` (electron/s, float32, (row, column)), and read the reference output too."""
    integration = MiriIntegration(config, with_reference_output(pixels, config.sca), beside(light, 0), rng)
    sent = all_integrations(config, integration)
    data, refout = apart(sent.data)
    saturated_from, _ = apart(sent.saturated_from)
    return replace(sent, data=data, refout=refout, saturated_from=saturated_from, showers=integration.showers.seen)


class MiriIntegration(Integration):
    """The state of pixels, and of the reference output beside them, between two resets.

    The first integration has more dark current; the response bends charge and bias together; all outputs show the same
    interference.
    """

    _readout: MiriReadout

    def __init__(self, config: ExposureConfig, pixels: Pixels, light: np.ndarray, rng: np.random.Generator):
        super().__init__(config, pixels, light, rng)
        self._steady_rate = self._rate
        self._anomalies = Anomalies(config, pixels)
        self._interference = Interference(config, self._readout, rng)
        self.showers = Showers(config, rng)

    def reset(self, number: int) -> None:
        more = np.float32(0 if number else self._config.sca.first_dark - 1)
        self._rate = self._steady_rate + more * self._pixels.dark
        self._anomalies.reset(number, self._charge / self._pixels.gain if number else np.zeros_like(self._rate))
        super().reset(number)

    def _make_readout(self) -> MiriReadout:
        return MiriReadout(self._config.sca, self._config.window, OUTPUTS, self._config.clocks)

    def _receive_more(self, seconds: float, group: int) -> None:
        self._charge += self._pixels.sensitivity * beside(self.showers.advance(seconds, self._number, group), 0)

    def _disturbance(self, frame: int) -> np.ndarray:
        return self._interference.frame(self._number, frame)

    def _anomaly(self, seconds: float, frame: int, signal: np.ndarray) -> np.ndarray:
        return self._anomalies.frame(frame, signal / self._pixels.gain)

    def _response(self, signal: np.ndarray, rows: slice) -> np.ndarray:
        linear = signal[rows] / self._pixels.gain[rows] + self._pedestal[rows]
        return invert_response(linear, self._pixels.coefficients[:, rows])
