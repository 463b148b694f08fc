"""Small MIRI exposures with interference of a known wave, made with obvious loops."""

from dataclasses import dataclass

import numpy as np

from gpipe.emicorr.readout import Clocks, Readout

CLOCKS = {
    "SLITLESSPRISM": Clocks(28, 15904),
    "MASK1550": Clocks(82, 23968),
    "SUB64": Clocks(28, 8512),
    "FULL_FAST": Clocks(271, 277504),
    "FULL_SLOW": Clocks(2333, 2388992),
}


@dataclass(frozen=True)
class Exposure:
    """Attributes: ``data`` with interference, ``clean`` without; ``wave`` (sample,), its amplitude not included."""

    data: np.ndarray
    clean: np.ndarray
    pixeldq: np.ndarray
    wave: np.ndarray
    readout: Readout
    period: float


def wave(samples, phase=0.0):
    """One cycle of a wave that is no sine; sample k of n is at phase (k + 1/2) / n."""
    at = 2 * np.pi * ((np.arange(samples) + 0.5) / samples + phase)
    return np.sin(at) + 0.4 * np.cos(2 * at + 0.4) - 0.1 * np.sin(3 * at)


def clocks_of(readout, integration, group, row, column):
    """When a pixel is read, counted from the first of the exposure."""
    frame = readout.shape[2] * readout.clocks.row + 7 * (1024 - readout.shape[2])
    integrations = readout.shape[1] * frame + (readout.clocks.frame if readout.resets else 0)
    return integration * integrations + group * frame + row * readout.clocks.row + column // 4 * readout.samples


def times(readout):
    """`clocks_of` for all pixels, (integration, group, row, column)."""
    return clocks_of(readout, *np.ogrid[tuple(slice(size) for size in readout.shape)])


def exposure(
    shape,
    frequency,
    *,
    case="SUB64",
    amplitude=8.0,
    phase=0.3,
    noise=3.0,
    seed=1,
    samples=64,
    slow=False,
    resets=True,
    rate=20.0,
):
    """Ramps of a bias, a rate for each pixel, noise (DN), 2 % flagged pixels, and interference (Hz, DN, cycles)."""
    rng = np.random.default_rng(seed)
    readout = Readout(shape=shape, clocks=CLOCKS[case], samples=9 if slow else 1, resets=resets)
    period = 1e5 / frequency
    bias = rng.normal(9000, 30, shape[2:]) + rng.normal(0, 20, (shape[0], 1, *shape[2:]))
    light = rng.exponential(rate, shape[2:]) * np.arange(shape[1])[:, None, None]
    clean = bias + light + rng.normal(0, noise, shape)
    cycles = times(readout) / period + phase
    at = 2 * np.pi * cycles
    interference = np.sin(at) + 0.4 * np.cos(2 * at + 0.4) - 0.1 * np.sin(3 * at)
    return Exposure(
        data=(clean + amplitude * interference).astype(np.float32),
        clean=clean.astype(np.float32),
        pixeldq=(rng.random(shape[2:]) < 0.02).astype(np.uint32),
        wave=wave(samples),
        readout=readout,
        period=period,
    )
