"""MIRI's electromagnetic interference: waves of fixed frequencies that all outputs show at the same time."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from stdatamodels.jwst import datamodels

from gpipe.simulate.config import ExposureConfig
from gpipe.simulate.metadata import dated
from gpipe.simulate.miri_readout import MiriReadout
from gpipe.simulate.readout import PIXEL_TIME, READ_PATTERNS, SUBARRAYS, miri_clocks

_BINS = 500
"""Phases at which the reference file tells a wave, at the middle of equal steps."""


@dataclass(frozen=True)
class Wave:
    """A wave: frequency in Hz, amplitude of its first harmonic in DN, and the second and third beside it."""

    frequency: float
    amplitude: float
    second: float
    third: float

    def at(self, phase: ArrayLike) -> np.ndarray:
        """DN at a phase in cycles."""
        turn = 2 * np.pi * np.asarray(phase)
        return self.amplitude * (np.sin(turn) + self.second * np.sin(2 * turn + 0.7) + self.third * np.cos(3 * turn))


WAVES = {
    "Hz390": Wave(390.625, 6.0, 0.3, 0.1),
    "Hz218": Wave(218.52055, 3.5, 0.2, 0.05),
    "Hz10": Wave(10.039216, 4.0, 0.25, 0.1),
}
_ALL = tuple(WAVES)
_SEEN_BY = {"FULL": ("Hz10",), "SUB256": ("Hz390", "Hz218"), "SLITLESSPRISM": ("Hz390", "Hz10")}
"""Waves of subarrays that do not show all. The frame time of SUB256 is so near to three periods of 10 Hz that this wave
cannot be distinguished from light."""


def waves(subarray: str) -> tuple[str, ...]:
    """Return the names of the waves in exposures of a subarray, the strongest first."""
    return _SEEN_BY.get(subarray, _ALL)


class Interference:
    """Waves in the frames of an exposure, each with its own first phase."""

    def __init__(self, config: ExposureConfig, readout: MiriReadout, rng: np.random.Generator):
        self._strength, self._times, self._clocks = config.noise.interference, readout.times(), config.clocks.frame
        self._frames = config.pattern.frames(config.ngroups) + 1
        self._waves = [WAVES[name] for name in waves(config.subarray)]
        self._starts = rng.random(len(self._waves))

    def frame(self, number: int, index: int) -> np.ndarray:
        """DN in a frame, both counted from 0; float32, detector frame. One frame is for the reset before the next."""
        seconds = PIXEL_TIME * (self._times + (number * self._frames + index) * self._clocks)
        levels = [
            wave.at(wave.frequency * seconds + start) for wave, start in zip(self._waves, self._starts, strict=True)
        ]
        return np.float32(self._strength) * np.sum(levels, axis=0).astype(np.float32)


def make_emicorr(configs: Iterable[ExposureConfig]) -> Any:
    """The reference file: every wave, and the clocks and waves of every subarray."""
    model = dated(datamodels.EmiModel)()
    tree: dict[str, Any] = {
        "reftype": "emicorr",
        "author": "gpipe",
        "pedigree": "DUMMY",
        "useafter": "2020-01-01T00:00:00",
        "description": "Simulated detector, known exactly",
        "instrument": {"name": "MIRI"},
        "telescope": "JWST",
    }
    model.update({"meta": tree})
    phases = (np.arange(_BINS) + 0.5) / _BINS
    model.frequencies = {
        name: {"frequency": wave.frequency, "phase_amplitudes": wave.at(phases)} for name, wave in WAVES.items()
    }
    model.subarray_cases = _cases({config.detector: config for config in configs})
    return model


def _cases(detectors: dict[str, ExposureConfig]) -> dict[str, Any]:
    sca = next(iter(detectors.values())).sca
    cases = {}
    for pattern, speed in (("FASTR1", "FAST"), ("SLOWR1", "SLOW")):
        samples = READ_PATTERNS["MIRI"][pattern].samples
        found = miri_clocks("FULL", sca.full, samples)
        freqs = list(waves("FULL"))
        cases[f"FULL_{speed}"] = {
            "rowclocks": found.row,
            "frameclocks": found.frame,
            "freqs": {speed: freqs if speed == "FAST" else dict.fromkeys(detectors, freqs)},
        }
    for name, corners in SUBARRAYS["MIRI"].items():
        found = miri_clocks(name, corners["MIRIMAGE"], samples=1)
        case = {"rowclocks": found.row, "frameclocks": found.frame, "freqs": {"FAST": list(waves(name))}}
        cases[name] = case
    return cases
