"""Sigma clipping of tiles: ``gpipe.jump.sigma_clip.clipped``."""

from typing import Any

import numpy as np

from gpipe.jump.sigma_clip import TURNS
from gpipe.kernels.cpu.compiling import allocating
from gpipe.kernels.cpu.tiles import LARGEST, F

ONE, NOTHING = F(1), F(0)


@allocating
def clip_bounds(ranked: Any, count: Any, threshold: float) -> Any:
    """Lower and upper bound of each column as float64, (2, column); turns that change nothing are left out."""
    width = ranked.shape[1]
    bounds = np.full((2, width), np.nan)
    begin, left = np.zeros(width, np.int32), count.copy()
    end = np.zeros(width, np.int32)
    for k in range(ranked.shape[0]):
        for j in range(width):
            end[j] += np.int32(1) if ranked[k, j] < LARGEST else np.int32(0)
    for _ in range(TURNS):
        scatter = _scatter(ranked, begin, end, left)
        for j in range(width):
            if left[j] > 0:
                low, high = begin[j] + (left[j] - 1) // 2, begin[j] + left[j] // 2
                middle = 0.5 * np.float64(ranked[low, j]) + 0.5 * np.float64(ranked[high, j])
                bounds[0, j], bounds[1, j] = middle - threshold * scatter[j], middle + threshold * scatter[j]
        if not _narrow(ranked, bounds, begin, end, left):
            break
    return bounds


@allocating
def _scatter(ranked: Any, begin: Any, end: Any, left: Any) -> Any:
    """Standard deviation of the ranks from ``begin`` to ``end``."""
    width = begin.size
    mean, square = np.zeros(width), np.zeros(width)
    number = np.maximum(left, 1)
    for k in range(ranked.shape[0]):
        for j in range(width):
            mean[j] += ranked[k, j] * (ONE if begin[j] <= k < end[j] else NOTHING)
    for j in range(width):
        mean[j] /= number[j]
    for k in range(ranked.shape[0]):
        for j in range(width):
            off = (ranked[k, j] - mean[j]) * (ONE if begin[j] <= k < end[j] else NOTHING)
            square[j] += off * off
    for j in range(width):
        square[j] = np.sqrt(square[j] / number[j])
    return square


@allocating
def _narrow(ranked: Any, bounds: Any, begin: Any, end: Any, left: Any) -> bool:
    """Take the ranks that lie within the bounds; whether any column has lost some."""
    width = begin.size
    below, inside = np.zeros(width, np.int32), np.zeros(width, np.int32)
    for k in range(ranked.shape[0]):
        for j in range(width):
            value = ranked[k, j]
            below[j] += np.int32(value < bounds[0, j])
            within = (begin[j] <= k) & (k < end[j]) & (value >= bounds[0, j]) & (value <= bounds[1, j])
            inside[j] += np.int32(within)
    changed = False
    for j in range(width):
        changed |= inside[j] != left[j]
        begin[j], left[j] = max(begin[j], below[j]), inside[j]
        end[j] = begin[j] + left[j]
    return changed
