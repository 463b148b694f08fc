"""Sets of values that sigma clipping leaves whole, told without ranking them: most are.

What lies between the first bounds of a set goes on to the next turn. Where that is all of it, no turn changes anything.
Those bounds are the median plus and minus some standard deviations, of which rounding here takes less than what
``_least_scatter`` allows for.
"""

from typing import Any

import numpy as np

from gpipe.kernels.cpu.compiling import helper
from gpipe.kernels.cpu.screen import REACH, ZERO, begin, gather, judge
from gpipe.kernels.cpu.tiles import LARGEST, NAN, F, clear

ROUNDING, ALLOWED = F(2 * np.finfo(np.float32).eps), F(1e-4)


@helper
def find_uncut(values: Any, first: int, step: int, threshold: Any, n: int, screen: Any) -> None:
    """Which of ``n`` columns lose nothing of every ``step``-th row of ``values`` from ``first`` on.

    The total of each becomes its mean.
    """
    mean, scatter = screen.total, screen.allowed
    begin(screen, n)
    gather(values, first, step, screen, n)
    for j in range(n):
        mean[j] /= F(screen.number[j])
    clear(scatter, n)
    for k in range(first, values.shape[0], step):
        _add_square(values[k], mean, scatter, n)
    for j in range(n):
        number = F(screen.number[j])
        variance = scatter[j] / number
        reach = REACH * np.sqrt(variance / number)
        screen.lower[j], screen.upper[j] = mean[j] - reach, mean[j] + reach
        size = max(-screen.lowest[j], screen.highest[j])
        off = threshold * _least_scatter(np.sqrt(variance), number, size)
        scatter[j] = off if off <= LARGEST else NAN  # squares of values beyond 1e19 are infinite
    judge(values, first, step, screen, n)


@helper
def add_to_columns(found: Any, n: int, columns: Any) -> None:
    """Number, total and extremes of sets, for the columns that they are part of."""
    for j in range(n):
        columns.number[j] += found.number[j]
        columns.total[j] += found.total[j] * F(found.number[j]) if found.number[j] > 0 else ZERO
        columns.lowest[j] = min(columns.lowest[j], found.lowest[j])
        columns.highest[j] = max(columns.highest[j], found.highest[j])


@helper
def _add_square(values: Any, mean: Any, square: Any, n: int) -> None:
    for j in range(n):
        off = values[j] - mean[j]
        square[j] += off * off if off == off else ZERO


@helper
def _least_scatter(scatter: Any, number: Any, size: Any) -> Any:
    """Of ``number`` values up to ``size``, whose sum and whose squares' sum were rounded with each addition."""
    rounding = ROUNDING * number
    return max(scatter * (F(1) - ALLOWED - rounding) - rounding * size, ZERO)
