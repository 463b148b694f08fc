"""Which columns of a tile have no value far from their median, told without ranking them, which takes the most time.

The median of a column lies between two bounds about its mean, as counting shows. Where even at the worse bound no value
is off by more than is allowed, none is off from the median: rounding keeps order, so that this holds bit by bit.
"""

from typing import Any, NamedTuple

import numpy as np

from gpipe.kernels.cpu.compiling import allocating, helper
from gpipe.kernels.cpu.tiles import LARGEST, F, clear

ZERO, REACH = F(0), F(3)
"""Median and mean differ by less than so many standard errors of the mean, or else the column is ranked."""


class Screen(NamedTuple):
    """One number for each column of a tile: of its values; bounds of its median; what is allowed; the verdict."""

    number: np.ndarray
    below: np.ndarray
    above: np.ndarray
    total: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    allowed: np.ndarray
    is_clear: np.ndarray


@allocating
def make_screen(width: int) -> Any:
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
def begin(screen: Any, n: int) -> None:
    """Nothing is known of ``n`` columns yet."""
    clear(screen.number, n)
    clear(screen.total, n)
    for j in range(n):
        screen.lowest[j], screen.highest[j] = LARGEST, -LARGEST


@helper
def gather(values: Any, first: int, step: int, screen: Any, n: int) -> None:
    """Add every ``step``-th row of values from ``first`` on to number, total and extremes."""
    for k in range(first, values.shape[0], step):
        _add(values[k], screen.total, screen.number, n)
        _extend(values[k], screen.lowest, screen.highest, n)


@helper
def judge(values: Any, first: int, step: int, screen: Any, n: int) -> None:
    """Where the median lies within its bounds, and no value may be off by more than is allowed; or there is none."""
    clear(screen.below, n)
    clear(screen.above, n)
    for k in range(first, values.shape[0], step):
        _count_outside(values[k], screen.lower, screen.upper, screen.below, screen.above, n)
    for j in range(n):
        half = (screen.number[j] - 1) // 2
        off, bounded = screen.allowed[j], (screen.below[j] <= half) & (screen.above[j] <= half)
        bounded &= (screen.highest[j] - screen.lower[j] <= off) & (screen.upper[j] - screen.lowest[j] <= off)
        screen.is_clear[j] = bounded | (screen.number[j] == 0)


@helper
def _add(values: Any, total: Any, number: Any, n: int) -> None:
    for j in range(n):
        known = values[j] == values[j]
        total[j] += values[j] if known else ZERO
        number[j] += np.int32(1) if known else np.int32(0)


@helper
def _extend(values: Any, lowest: Any, highest: Any, n: int) -> None:
    for j in range(n):
        value, low, high = values[j], lowest[j], highest[j]
        lowest[j] = value if value < low else low
        highest[j] = value if value > high else high


@helper
def _count_outside(values: Any, lower: Any, upper: Any, below: Any, above: Any, n: int) -> None:
    for j in range(n):
        below[j] += np.int32(1) if values[j] < lower[j] else np.int32(0)
        above[j] += np.int32(1) if values[j] > upper[j] else np.int32(0)
