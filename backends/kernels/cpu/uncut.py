"""Sets of values that sigma clipping leaves whole, told without ranking them: most are, and ranking takes long.

What lies between the first bounds of a set goes on to the next turn. Where that is all of it, no turn changes anything.
Those bounds are the median, which lies between two bounds about the mean, as counting shows, plus and minus some
standard deviations, of which rounding here takes less than what ``_least_scatter`` allows for.
"""

from typing import Any, NamedTuple

import numpy as np

from gpipe.backends.kernels.cpu.compiling import allocating, helper
from gpipe.backends.kernels.cpu.tiles import LARGEST, F, clear

ZERO, REACH = F(0), F(3)
"""Median and mean differ by less than so many standard errors of the mean, or else the set is ranked."""
ROUNDING, ALLOWED = F(2 * np.finfo(np.float32).eps), F(1e-4)


class Uncut(NamedTuple):
    """One number for each column of a tile."""

    number: np.ndarray
    below: np.ndarray
    above: np.ndarray
    mean: np.ndarray
    scatter: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    is_uncut: np.ndarray


@allocating
def make_uncut(width: int) -> Any:
    counts, lines = np.empty((3, width), np.int32), np.empty((6, width), np.float32)
    return Uncut(
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
def find_uncut(values: Any, first: int, step: int, threshold: Any, n: int, found: Any) -> None:
    """Which of ``n`` columns lose nothing of every ``step``-th row of ``values`` from ``first`` on."""
    clear(found.number, n)
    clear(found.mean, n)
    clear(found.scatter, n)
    clear(found.below, n)
    clear(found.above, n)
    for j in range(n):
        found.lowest[j], found.highest[j] = LARGEST, -LARGEST
    for k in range(first, values.shape[0], step):
        _add(values[k], found.mean, found.number, found.lowest, found.highest, n)
    for j in range(n):
        found.mean[j] /= F(found.number[j])
    for k in range(first, values.shape[0], step):
        _add_square(values[k], found.mean, found.scatter, n)
    for j in range(n):
        variance = found.scatter[j] / F(found.number[j])
        reach = REACH * np.sqrt(variance / F(found.number[j]))
        found.scatter[j] = np.sqrt(variance)
        found.lower[j], found.upper[j] = found.mean[j] - reach, found.mean[j] + reach
    for k in range(first, values.shape[0], step):
        _count_outside(values[k], found.lower, found.upper, found.below, found.above, n)
    for j in range(n):
        half = (found.number[j] - 1) // 2
        bounded = (found.below[j] <= half) & (found.above[j] <= half)
        size = max(-found.lowest[j], found.highest[j])
        off = threshold * _least_scatter(found.scatter[j], F(found.number[j]), size)
        bounded &= off <= LARGEST  # squares of values beyond 1e19 are infinite
        bounded &= (found.highest[j] - found.lower[j] <= off) & (found.upper[j] - found.lowest[j] <= off)
        found.is_uncut[j] = bounded | (found.number[j] == 0)


@helper
def add_to_columns(found: Any, n: int, screen: Any) -> None:
    """Number, total and extremes of sets, for the columns that they are part of."""
    for j in range(n):
        screen.number[j] += found.number[j]
        screen.total[j] += found.mean[j] * F(found.number[j]) if found.number[j] > 0 else ZERO
        screen.lowest[j] = min(screen.lowest[j], found.lowest[j])
        screen.highest[j] = max(screen.highest[j], found.highest[j])


@helper
def _add(values: Any, total: Any, number: Any, lowest: Any, highest: Any, n: int) -> None:
    for j in range(n):
        value, low, high = values[j], lowest[j], highest[j]
        known = value == value
        total[j] += value if known else ZERO
        number[j] += np.int32(1) if known else np.int32(0)
        lowest[j] = value if value < low else low
        highest[j] = value if value > high else high


@helper
def _add_square(values: Any, mean: Any, square: Any, n: int) -> None:
    for j in range(n):
        off = values[j] - mean[j]
        square[j] += off * off if off == off else ZERO


@helper
def _count_outside(values: Any, lower: Any, upper: Any, below: Any, above: Any, n: int) -> None:
    for j in range(n):
        below[j] += np.int32(1) if values[j] < lower[j] else np.int32(0)
        above[j] += np.int32(1) if values[j] > upper[j] else np.int32(0)


@helper
def _least_scatter(scatter: Any, number: Any, size: Any) -> Any:
    """Of ``number`` values up to ``size``, whose sum and whose squares' sum were rounded with each addition."""
    rounding = ROUNDING * number
    return max(scatter * (F(1) - ALLOWED - rounding) - rounding * size, ZERO)
