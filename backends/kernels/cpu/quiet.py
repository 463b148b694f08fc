"""Columns of a tile without jumps, told without their medians: most are, and ranking takes the most time of all.

The median of a column lies between two bounds about its mean, as counting shows. Where even at the worse bound no
difference is off by the threshold, none is off from the median: rounding keeps order, so that this holds bit by bit.
"""

from typing import NamedTuple

import numpy as np

from gpipe.backends.kernels.cpu.compiling import allocating, helper
from gpipe.backends.kernels.cpu.tiles import LARGEST, NAN, F, clear

ZERO, REACH = F(0), F(3)
"""Median and mean differ by less than so many standard errors of the mean, or else the column is ranked."""


class Screen(NamedTuple):
    """One number for each column of a tile."""

    number: np.ndarray
    below: np.ndarray
    above: np.ndarray
    total: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    sigma: np.ndarray
    is_quiet: np.ndarray


@allocating
def make_screen(width):
    counts, lines = np.empty((3, width), np.int32), np.empty((6, width), np.float32)
    return Screen(
        counts[0],
        counts[1],
        counts[2],
        lines[0],
        lines[1],
        lines[2],
        lines[3],
        lines[4],
        lines[5],
        np.empty(width, np.bool_),
    )


@helper
def find_quiet(values, gain, readnoise, frames, threshold, levels, screen):
    """Where no difference is off by more than ``threshold`` sigma, nor above the median by one of ``levels``."""
    n = gain.size
    begin_quiet(screen, n)
    for k in range(values.shape[0]):
        _add(values[k], screen.total, screen.number, n)
        _extend(values[k], screen.lowest, screen.highest, n)
    judge_quiet(values, gain, readnoise, frames, threshold, levels, screen)


@helper
def begin_quiet(screen, n):
    """Nothing is known of ``n`` columns yet."""
    clear(screen.number, n)
    clear(screen.total, n)
    for j in range(n):
        screen.lowest[j], screen.highest[j] = LARGEST, -LARGEST


@helper
def judge_quiet(values, gain, readnoise, frames, threshold, levels, screen):
    """``find_quiet`` of columns whose number, total and extremes are known; the total may be rounded."""
    n = gain.size
    clear(screen.below, n)
    clear(screen.above, n)
    for j in range(n):
        noise = readnoise[j] * gain[j]
        screen.sigma[j] = noise * noise / frames
    _bound_median(screen.total, screen.number, screen.sigma, screen.lower, screen.upper, n)
    for k in range(values.shape[0]):
        _count_outside(values[k], screen.lower, screen.upper, screen.below, screen.above, n)
    for j in range(n):
        half = (screen.number[j] - 1) // 2
        off, bounded = threshold * screen.sigma[j], (screen.below[j] <= half) & (screen.above[j] <= half)
        bounded &= (screen.highest[j] - screen.lower[j] <= off) & (screen.upper[j] - screen.lowest[j] <= off)
        screen.is_quiet[j] = bounded | (screen.number[j] == 0)
    for level in levels:
        for j in range(n):
            small = screen.highest[j] - screen.lower[j] < level
            screen.is_quiet[j] &= small | (screen.number[j] == 0)


@helper
def _add(values, total, number, n):
    for j in range(n):
        known = values[j] == values[j]
        total[j] += values[j] if known else ZERO
        number[j] += np.int32(1) if known else np.int32(0)


@helper
def _extend(values, lowest, highest, n):
    for j in range(n):
        value, low, high = values[j], lowest[j], highest[j]
        lowest[j] = value if value < low else low
        highest[j] = value if value > high else high


@helper
def _bound_median(total, number, sigma, lower, upper, n):
    """From the variance by read noise, sigma becomes the least that it can be between the bounds."""
    for j in range(n):
        count = F(number[j])
        centre = total[j] / count
        size = np.abs(centre)
        reach = REACH * np.sqrt((size + sigma[j]) / count)
        lower[j], upper[j] = centre - reach, centre + reach
        nearest = size - reach
        total[j] = nearest if nearest > ZERO else ZERO
    for j in range(n):
        least = total[j] + sigma[j]
        sigma[j] = np.sqrt(least) if least > ZERO else NAN


@helper
def _count_outside(values, lower, upper, below, above, n):
    for j in range(n):
        below[j] += np.int32(1) if values[j] < lower[j] else np.int32(0)
        above[j] += np.int32(1) if values[j] > upper[j] else np.int32(0)
