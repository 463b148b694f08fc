"""Jumps: memory for a tile, its differences, and what they are judged by."""

from typing import NamedTuple

import numpy as np

from gpipe.jump.differences import UNUSABLE
from gpipe.kernels.cpu.compiling import allocating, helper
from gpipe.kernels.cpu.tiles import LARGEST, NAN, median_tile, rank_tile


class Rules(NamedTuple):
    """``JumpSettings`` as numbers; ``four_or_more`` is infinite for sigma clipping, which knows no noise of a pixel."""

    four_or_more: np.float32
    three: np.float32
    two: np.float32
    clip: float
    together: bool
    frames: np.float32
    spreads: bool
    least: np.float32
    most: np.float32


class Tile(NamedTuple):
    """Memory for one tile: differences, their ranks, which are jumps, and what is one number for each column."""

    values: np.ndarray
    ranked: np.ndarray
    hits: np.ndarray
    usable: np.ndarray
    flux: np.ndarray
    variance: np.ndarray
    sigma: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    verdict: np.ndarray
    state: np.ndarray


@allocating
def make_tile(values, width):
    planes = np.empty((values, width), np.float32)
    pixel = np.zeros(width, np.float32)
    return Tile(
        planes,
        np.empty_like(planes),
        np.empty((values, width), np.uint8),
        np.zeros(width, np.int32),
        pixel,
        pixel.copy(),
        pixel.copy(),
        pixel.copy(),
        pixel.copy(),
        np.empty(width, np.uint8),
        np.empty(width, np.uint8),
    )


@helper
def difference(data, groupdq, gain, y, x, stop, values):
    """``first_differences``."""
    integrations, groups = data.shape[:2]
    factor = gain[y, x:stop]
    for i in range(integrations):
        for g in range(groups - 1):
            out = values[i * (groups - 1) + g]
            _subtract(
                data[i, g, y, x:stop],
                data[i, g + 1, y, x:stop],
                groupdq[i, g, y, x:stop],
                groupdq[i, g + 1, y, x:stop],
                factor,
                out,
            )


@helper
def _subtract(before, after, dq_before, dq_after, factor, out):
    for j in range(factor.size):
        usable = ((dq_before[j] | dq_after[j]) & UNUSABLE) == 0
        usable &= (np.abs(before[j]) <= LARGEST) & (np.abs(after[j]) <= LARGEST)
        out[j] = after[j] * factor[j] - before[j] * factor[j] if usable else NAN


@helper
def measure(tile, gain, readnoise, rules):
    """The flux and noise that differences, neighbours and following groups are judged by."""
    rank_tile(tile.values, 0, 1, tile.ranked, tile.usable)
    median_tile(tile.ranked, tile.usable, tile.flux)
    for j in range(gain.size):
        noise = readnoise[j] * gain[j]
        tile.variance[j] = noise * noise / rules.frames
    for j in range(gain.size):
        total = np.abs(tile.flux[j]) + tile.variance[j]
        tile.sigma[j] = np.sqrt(total) if total > 0 else NAN
