"""Columns of a tile without jumps, told without their medians: most are."""

import numpy as np

from gpipe.kernels.cpu.compiling import helper
from gpipe.kernels.cpu.screen import REACH, ZERO, begin, gather, judge
from gpipe.kernels.cpu.tiles import NAN, F


@helper
def find_quiet(values, gain, readnoise, frames, threshold, levels, screen):
    """Where no difference is off by more than ``threshold`` sigma, nor above the median by one of ``levels``."""
    begin(screen, gain.size)
    gather(values, 0, 1, screen, gain.size)
    judge_quiet(values, gain, readnoise, frames, threshold, levels, screen)


@helper
def judge_quiet(values, gain, readnoise, frames, threshold, levels, screen):
    """``find_quiet`` of columns whose number, total and extremes are known; the total may be rounded."""
    n, sigma = gain.size, screen.allowed
    for j in range(n):
        noise = readnoise[j] * gain[j]
        sigma[j] = noise * noise / frames
    _bound_median(screen.total, screen.number, sigma, screen.lower, screen.upper, n)
    for j in range(n):
        sigma[j] = threshold * sigma[j]
    judge(values, 0, 1, screen, n)
    for level in levels:
        for j in range(n):
            small = screen.highest[j] - screen.lower[j] < level
            screen.is_clear[j] &= small | (screen.number[j] == 0)


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
