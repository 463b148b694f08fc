"""Interference found in what remains of the ramps after crude rates and a crude bias have been subtracted."""

import math
from dataclasses import dataclass

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, Namespace
from gpipe.emicorr.clipped_bins import clipped_means
from gpipe.emicorr.noise import subtract_noise
from gpipe.emicorr.phase_bins import edge
from gpipe.emicorr.readout import Readout, within_cycle
from gpipe.emicorr.remainder import remaining_signal, whole_median

MOST_BINS = 501
BINS_INSTEAD = 500


@dataclass(frozen=True, kw_only=True)
class SequentialSettings:
    """Parameters of the algorithm.

    Attributes
    ----------
    nints_to_phase : integrations from which the wave is measured; None: as many as ``use_n_cycles`` needs.
    nbins : bins in a cycle; None: one for two clocks. At most 501; 500 if it is more.
    scale_reference : True to scale a reference wave to the amplitude in the data.
    use_n_cycles : cycles of the interference to measure, in whole integrations; None: all integrations.
    """

    nints_to_phase: int | None = None
    nbins: int | None = None
    scale_reference: bool = True
    use_n_cycles: int | None = 3

    def integrations(self, readout: Readout, period: float) -> int:
        """Count the integrations from which the wave is measured."""
        available, groups = readout.shape[:2]
        wanted = self.nints_to_phase
        if wanted is None and self.use_n_cycles is not None:
            wanted = math.ceil(self.use_n_cycles * period / (readout.clocks.frame * groups))
        return available if wanted is None else min(wanted, available)

    def bins(self, period: float) -> int:
        """Count the bins of a cycle."""
        count = int(period / 2) if self.nbins is None else self.nbins
        return count if count <= MOST_BINS else BINS_INSTEAD


@dataclass(frozen=True)
class Cleaned:
    """Attributes: ``data``, like the input; ``wave`` (bin,), DN: the measured wave, median 0; NaN if a bin is empty."""

    data: Array
    wave: Array


def subtract_found_wave(
    data: Array,
    reference: Array | None = None,
    *,
    readout: Readout,
    period: float,
    settings: SequentialSettings = SequentialSettings(),
) -> Cleaned:
    """Find the wave of an interference of known period and subtract it, or a reference wave brought to its phase.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN; at least four groups. NaN stays NaN and is left out; so is a
        ramp with a NaN between its first and last group.
    reference : (sample,), the reference wave of one cycle, DN; None subtracts the wave that is found.
    readout : when each pixel is read.
    period : clocks.

    Returns
    -------
    New arrays. Whole frames of the first integrations are needed to find the wave. Nothing is subtracted if no pixel is
    read at the phases of a bin.

    Notes
    -----
    E. Bergeron's algorithm, https://jwst-pipeline.readthedocs.io/en/latest/jwst/emicorr/description.html
    """
    xp = array_namespace(data)
    count = settings.integrations(readout, period)
    pixels = readout.pixel_phases(period, data)
    starts = within_cycle(
        xp.asarray(readout.integration_phases(period), dtype=pixels.dtype, device=device(data))[:, None]
        + xp.asarray(readout.group_phases(period), dtype=pixels.dtype, device=device(data))[None, :]
    )
    wave = find_wave(data[:count, ...], pixels, starts[:count, :], settings.bins(period))
    table = noise_table(wave, reference, period=period, scale=settings.scale_reference)
    table = xp.astype(xp.where(xp.isfinite(table), table, 0.0), data.dtype)
    table = xp.concat([table, table[:1]])  # rounding may bring the end of a cycle to the beginning of the next

    def noise(phase: Array) -> Array:
        clock = xp.astype(xp.floor(phase * period + edge(phase, period)), xp.int64)
        return xp.reshape(xp.take(table, xp.reshape(clock, (-1,))), clock.shape)

    return Cleaned(subtract_noise(data, pixels, starts, noise), wave)


def find_wave(data: Array, pixels: Array, starts: Array, count: int) -> Array:
    """Clipped mean of what remains of the ramps, in bins of phase; less its median. (bin,); NaN if a bin is empty.

    A bin holds the phases above its lower edge up to its upper one; phase 0 is in no bin.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN.
    pixels : phase of each pixel in its frame, (row, column / 4), cycles.
    starts : phase of each frame, (integration, group), cycles.
    count : number of bins.
    """
    xp = array_namespace(data, pixels, starts)
    signal, bins = [], []
    for integration in range(data.shape[0]):
        signal.append(xp.reshape(remaining_signal(data[integration, ...]), (-1,)))
        phase = within_cycle(pixels + starts[integration, :, None, None])
        found = xp.astype(xp.ceil(phase * count - edge(phase, count)), xp.int16) - 1
        bins.append(xp.reshape(xp.where(found < 0, count, found), (-1,)))
    means = clipped_means(xp.concat(signal), xp.concat(bins), count)
    return xp.where(xp.any(xp.isnan(means)), xp.nan, means - whole_median(means))


def noise_table(wave: Array, reference: Array | None, *, period: float, scale: bool) -> Array:
    """Compute the noise to subtract at each clock of a cycle.

    Parameters
    ----------
    wave : (bin,), the wave in the data.
    reference : (sample,), or None. It is shifted by whole samples to its largest correlation with the wave.
    period : clocks.
    scale : True to scale the reference to the amplitude of the wave, by the slope of a straight line between the two.
    """
    xp = array_namespace(wave)
    found = stretch(wave, period)
    if reference is None:
        return found
    reference = xp.astype(reference, wave.dtype)
    moved = stretch(_moved_to(reference, stretch(wave, reference.shape[0]), xp=xp), period)
    off, from_mean = moved - xp.mean(moved), found - xp.mean(found)
    spread = xp.sum(off * off)
    factor = xp.sum(off * from_mean) / xp.where(spread > 0, spread, 1.0)
    return moved * factor if scale else moved + 0.0 * factor


def stretch(x: Array, length: float) -> Array:
    """The nearest smaller of the samples (sample,) at evenly spaced places: ``length`` of them, rounded up."""
    xp = array_namespace(x)
    step = x.shape[0] / length
    places = [min(int(k * step), x.shape[0] - 1) for k in range(math.ceil(length))]
    return xp.take(x, xp.asarray(places, dtype=xp.int32, device=device(x)))


def _moved_to(reference: Array, wave: Array, *, xp: Namespace) -> Array:
    """The reference wave rolled to where its correlation with another wave of the same length is largest."""
    spectra = [xp.fft.rfft(x - xp.mean(x)) for x in (reference, wave)]
    correlation = xp.fft.irfft(xp.conj(spectra[0]) * spectra[1], n=wave.shape[0])
    place = xp.arange(wave.shape[0], dtype=xp.int64, device=device(wave)) - xp.argmax(correlation)
    return xp.take(reference, place % wave.shape[0])
