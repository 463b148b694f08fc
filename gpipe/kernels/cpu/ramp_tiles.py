"""Ramp fits: memory for a tile, and what its numbers mean."""

from typing import NamedTuple

import numpy as np

from gpipe import dq
from gpipe.kernels.cpu.compiling import allocating
from gpipe.kernels.cpu.tiles import F
from gpipe.ramp_fitting.weights import SIGNAL_TO_NOISE

ZERO, ONE, TWO, FOUR, SIX, TWELVE = F(0), F(1), F(2), F(4), F(6), F(12)
FEW = 128
"""Pixels of a tile that may have flags of their own where all others have the same."""
LEVELS = len(SIGNAL_TO_NOISE)
DO_NOT_USE, SATURATED, JUMP_DET = dq.DO_NOT_USE, dq.SATURATED, dq.JUMP_DET

FROM_RESET, FROM_ZEROFRAME = 1, 2
"""How a first group that stands alone came by its signal."""


class Settings(NamedTuple):
    """What ``FitOptions`` says, as numbers: times in seconds, ratios in group times."""

    times: tuple[float, float, float]
    ratios: tuple[float, float]
    frames_factor: float
    first: int
    last: int
    suppress: bool
    ignore_jump: bool
    restore: bool
    groups: int


class Ramps(NamedTuple):
    """The arrays that are fitted; those of ``fit_ramps``, and the indices of the first samples in data and groupdq."""

    data: np.ndarray
    data_at: tuple[int, int, int, int]
    groupdq: np.ndarray
    groupdq_at: tuple[int, int, int, int]
    pixeldq: np.ndarray
    readnoise: np.ndarray
    gain: np.ndarray
    dark: np.ndarray
    zeroframe: np.ndarray


class Fitted(NamedTuple):
    """Slope, Poisson and read-noise variance and error, and flags, of the exposure and of each integration."""

    exposure: np.ndarray
    exposure_dq: np.ndarray
    integrations: np.ndarray
    integrations_dq: np.ndarray


class Tile(NamedTuple):
    """Planes of one integration: (group, column) or (column,); from ``pattern`` on see ``ramp_plain``."""

    flags: np.ndarray
    places: np.ndarray
    values: np.ndarray
    steps: np.ndarray
    ranked: np.ndarray
    place: np.ndarray
    length: np.ndarray
    level: np.ndarray
    waiting: np.ndarray
    some: np.ndarray
    number: np.ndarray
    other: np.ndarray
    is_odd: np.ndarray
    pattern: np.ndarray
    position: np.ndarray
    size: np.ndarray
    odd: np.ndarray


class Kept(NamedTuple):
    """What is kept of each integration until the rate of the exposure is known: (integration, …, column).

    The last plane, one more than there are integrations, holds sums and unions over all of them. Where all pixels but
    ``odds`` odd ones have segments of the same sizes, ``length`` has only those of the odd ones.
    """

    signal: np.ndarray
    reading: np.ndarray
    photons: np.ndarray
    time: np.ndarray
    length: np.ndarray
    seen: np.ndarray
    started: np.ndarray
    kind: np.ndarray
    size: np.ndarray
    odd: np.ndarray
    odds: np.ndarray


class Pixels(NamedTuple):
    """Planes of the pixels themselves: (column,), limits (level, column)."""

    quality: np.ndarray
    limits: np.ndarray
    noise: np.ndarray
    gain: np.ndarray
    rate: np.ndarray
    unit_reading: np.ndarray
    unit_photons: np.ndarray
    information: np.ndarray


@allocating
def scratch(integrations, groups, width):
    """The planes of a tile."""
    floats = np.empty((6, groups, width), np.float32)
    lines = np.empty((9, width), np.float32)
    masks = np.empty((3, width), np.uint8)
    segments = np.empty((2, groups - 1), np.int64)
    tile = Tile(
        np.empty((groups, width), np.uint8),
        np.empty((groups, width), np.int32),
        floats[0],
        floats[1],
        floats[2],
        floats[3],
        floats[4],
        floats[5],
        masks[0],
        masks[1],
        lines[0],
        lines[1],
        masks[2],
        np.empty(groups, np.uint8),
        segments[0],
        segments[1],
        np.empty(FEW, np.int64),
    )
    sums = np.empty((4, integrations + 1, width), np.float32)
    marks = np.empty((3, integrations + 1, width), np.uint8)
    lengths = np.empty((integrations, groups, width), np.float32)
    kept = Kept(
        sums[0],
        sums[1],
        sums[2],
        sums[3],
        lengths,
        marks[0],
        marks[1],
        marks[2],
        np.empty((integrations, groups - 1), np.int64),
        np.empty((integrations, FEW), np.int64),
        np.empty(integrations, np.int64),
    )
    limits = np.empty((LEVELS, width), np.float32)
    quality = np.empty(width, np.uint32)
    pixels = Pixels(quality, limits, lines[2], lines[3], lines[4], lines[5], lines[6], lines[7])
    return tile, kept, pixels
