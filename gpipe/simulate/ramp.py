"""Conversion of photons to numbers: the frames of an integration, averaged into groups."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np

from gpipe.simulate.capacitance import Capacitance
from gpipe.simulate.charge_migration import migrate
from gpipe.simulate.config import ExposureConfig
from gpipe.simulate.cosmic_rays import HIT, Hits, make_hits
from gpipe.simulate.electronics import Drift, OneOverF, Readout
from gpipe.simulate.interleaved import InterleavedReadout, science_row_numbers
from gpipe.simulate.picture_frame import PictureFrame
from gpipe.simulate.pixels import ADC_LIMIT, Pixels
from gpipe.simulate.response import invert_response
from gpipe.simulate.snowballs import collect, make_snowballs
from gpipe.simulate.traps import Traps

_BLOCK_ROWS = 128
"""Rows worked on at a time, so that intermediate arrays stay in the processor's cache."""


@dataclass(frozen=True)
class Ramps:
    """Ramps that the detector sends, with the events in them.

    Attributes
    ----------
    data : uint16 (integration, group, row, column), DN.
    zeroframe : uint16 (integration, row, column), the first frame of each integration.
    cosmic_rays : one entry a pixel and particle; ``group`` is the first group that holds any of the charge.
    saturated_from : int16 (integration, row, column), the first group with a frame at or above the saturation
        level of the pixel; the number of groups where there is none.
    refout : uint16 (integration, group, row, column // 4), of MIRI's reference output; None for other detectors.
    showers : one record for each of MIRI's showers; None for other detectors.
    """

    data: np.ndarray
    zeroframe: np.ndarray
    cosmic_rays: np.ndarray
    saturated_from: np.ndarray
    refout: np.ndarray | None = None
    showers: np.ndarray | None = None


def expose(
    config: ExposureConfig,
    pixels: Pixels,
    light: np.ndarray,
    rng: np.random.Generator,
    traps: Traps | None = None,
) -> Ramps:
    """Expose pixels to ``light`` (electron/s, float32, (row, column)) for all integrations of ``config``."""
    return all_integrations(config, Integration(config, pixels, light, rng, traps))


def all_integrations(config: ExposureConfig, integration: "Integration") -> Ramps:
    """The ramps of an exposure, from the state that its detector is in before."""
    shape = integration.shape
    data = np.empty((config.nints, config.ngroups, *shape), dtype=np.uint16)
    zeroframe = np.empty((config.nints, *shape), dtype=np.uint16)
    saturated_from = np.full((config.nints, *shape), config.ngroups, dtype=np.int16)
    hits: list[np.ndarray] = []
    for number in range(config.nints):
        integration.reset(number)
        for group in range(config.ngroups):
            data[number, group] = integration.group(group, zeroframe[number], saturated_from[number], hits)
    return Ramps(data, zeroframe, np.concatenate(hits), saturated_from)


class Integration:
    """The state of the detector between two resets."""

    def __init__(
        self,
        config: ExposureConfig,
        pixels: Pixels,
        light: np.ndarray,
        rng: np.random.Generator,
        traps: Traps | None = None,
    ):
        noise, sca = config.noise, config.sca
        self._config, self._pixels, self._rng, self._traps = config, pixels, rng, traps
        self._rate = light * pixels.sensitivity + pixels.dark
        self.shape = light.shape
        self._readout = self._make_readout()
        self._drift = Drift(self._readout, noise.amplifier_drift, noise.odd_even_drift, rng)
        averaged = sqrt(config.pattern.samples)
        self._one_over_f = OneOverF(self._readout, noise.one_over_f * sca.read_noise / sca.gain / averaged, rng)
        self._rows = science_row_numbers(sca) if config.interleaved else np.arange(config.window.ysize)
        self._read_noise = np.float32(noise.read_noise * sca.read_noise / sca.gain / averaged)
        self._capacitance = Capacitance(config)
        self._picture_frame = PictureFrame(config, self._rate.shape, self._rows, rng)

    def _make_readout(self) -> Readout:
        kind = InterleavedReadout if self._config.interleaved else Readout
        return kind(self._config.sca, self._config.window, self._config.outputs)

    def reset(self, number: int) -> None:
        """Empty the pixels; the reset leaves one offset in each pixel. Traps keep their charge."""
        self._number = number
        if self._traps is not None and number > 0:
            config = self._config
            self._traps.capture(self._rate / self._pixels.gain, config.integration_time + config.frame_time)
            self._traps.release(config.frame_time)
        offset = np.float32(self._config.noise.ktc) / self._pixels.gain
        self._pedestal = self._pixels.bias + offset * self._rng.standard_normal(offset.shape, dtype=np.float32)
        self._charge = np.zeros_like(self._rate)
        self._drift.reset()
        self._picture_frame.reset()

    def group(self, group: int, zeroframe, saturated_from, hits: list) -> np.ndarray:
        """The next group, DN; also notes the first frame, saturation and cosmic rays in the arrays given."""
        pattern = self._config.pattern
        total = np.zeros(self._rate.shape, dtype=np.uint32)
        for frame in range(pattern.nframes):
            gap = pattern.groupgap if frame == 0 and group > 0 else 0
            hits.append(self._collect_charge((1 + gap) * self._config.frame_time, group))
            read = self._read((1 + gap) * self._config.frame_time, group * pattern.frames_per_group + frame)
            if frame == 0 and group == 0:
                zeroframe[:] = read
            newly = (read >= self._pixels.saturation) & (saturated_from > group)
            saturated_from[newly] = group
            total += read
        return total // pattern.nframes

    def _collect_charge(self, seconds: float, group: int) -> np.ndarray:
        """Collect light, dark current, cosmic rays and charge of traps in a time span; full pixels collect none."""
        freed = 0.0 if self._traps is None else self._traps.release(seconds) * self._pixels.gain
        freed = np.broadcast_to(np.float32(freed), self._rate.shape)
        arriving = np.empty_like(self._charge)
        for rows in _blocks(len(self._rate)):
            expected = self._rate[rows] * np.float32(seconds) + freed[rows]
            arriving[rows] = self._rng.poisson(expected) if self._config.noise.photon_noise else expected
        self._charge += self._migrated(arriving)
        hits = self._hits(seconds)
        np.add.at(self._charge, (self._rows[hits.rows], hits.columns), hits.electrons)
        self._receive_more(seconds, group)
        np.minimum(self._charge, self._pixels.well, out=self._charge)
        return _as_records(hits, self._number, group)

    def _receive_more(self, seconds: float, group: int) -> None:
        """Add charge of another origin."""

    def _migrated(self, arriving: np.ndarray) -> np.ndarray:
        """Move charge between neighbours. Interleaved reference pixels are not neighbours of normal ones."""
        effects, rows = self._config.pixels, self._rows
        if effects.charge_migration:
            collects = self._pixels.sensitivity[rows] > 0
            share, onset = effects.charge_migration, effects.migration_onset
            arriving[rows] = migrate(arriving[rows], self._charge[rows], collects, share=share, onset=onset)
        return arriving

    def _hits(self, seconds: float) -> Hits:
        """Cosmic rays and snowballs on pixels that collect charge."""
        window, noise = self._config.window, self._config.noise
        hits = make_hits(window, seconds, noise.cosmic_rays, self._rng, self._config.sca.pixel_area)
        if noise.snowballs:
            hits = collect([hits, make_snowballs(window, seconds, noise.snowballs, self._rng)])
        alive = self._pixels.sensitivity[self._rows[hits.rows], hits.columns] > 0
        return Hits(hits.rows[alive], hits.columns[alive], hits.electrons[alive], hits.particles[alive])

    def _read(self, seconds: float, frame: int) -> np.ndarray:
        """Digitise a frame: uint16 DN."""
        self._drift.advance(seconds)
        electronics = self._electronics(frame)
        signal = self._spread()
        anomaly = self._anomaly(seconds, frame, signal)
        read = np.empty(signal.shape, dtype=np.uint16)
        for rows in _blocks(len(signal)):
            noise = self._rng.standard_normal(signal[rows].shape, dtype=np.float32)
            level = self._response(signal, rows)
            level += electronics[rows]
            level += anomaly[rows]
            level += self._read_noise * self._pixels.noise[rows] * noise
            read[rows] = np.clip(level, 0, ADC_LIMIT)
        return read

    def _electronics(self, frame: int) -> np.ndarray:
        """Signal that the outputs add, DN."""
        return self._readout.to_science(self._one_over_f.frame() + self._drift.row() + self._disturbance(frame))

    def _disturbance(self, frame: int) -> np.ndarray:
        """Interference from outside, DN, detector frame."""
        return np.zeros(1, dtype=np.float32)

    def _anomaly(self, seconds: float, frame: int, signal: np.ndarray) -> np.ndarray:
        """Signal besides charge (electron) and noise, DN, float32 (row, column)."""
        return self._picture_frame.advance(seconds)

    def _response(self, signal: np.ndarray, rows: slice) -> np.ndarray:
        """Response of pixels to their charge, with bias, DN."""
        linear, coefficients = signal[rows] / self._pixels.gain[rows], self._pixels.coefficients[:, rows]
        return invert_response(linear, coefficients) + self._pedestal[rows]

    def _spread(self) -> np.ndarray:
        """Couple pixels by their capacitance; interleaved reference pixels and a reference output take no part."""
        pixels = self._rows, slice(self._config.window.xsize)
        if not self._capacitance.exists:
            return self._charge
        signal = self._charge.copy()
        signal[pixels] = self._capacitance.spread(self._charge[pixels], self._pixels.reference[pixels])
        return signal


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(first, first + _BLOCK_ROWS) for first in range(0, rows, _BLOCK_ROWS))


def _as_records(hits: Hits, number: int, group: int) -> np.ndarray:
    records = np.empty(len(hits.rows), dtype=HIT)
    records["integration"], records["group"] = number, group
    records["row"], records["column"] = hits.rows, hits.columns
    records["electrons"], records["particle"] = hits.electrons, hits.particles
    return records
