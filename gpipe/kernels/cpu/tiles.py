"""Tiles: a stretch of columns of one detector row with all its samples, (value, column), small enough for the cache.

Loops run along the columns of a tile, where neighbouring pixels do the same, so that LLVM makes vector code of them.
"""

from typing import Any

import numpy as np

from gpipe.kernels.cpu.compiling import helper

F = np.float32
HALF, NAN = F(0.5), F(np.nan)
LARGEST = F(np.finfo(np.float32).max)
"""Stands in for missing values, so that they rank last."""
TILE_SAMPLES = 1 << 16
NARROWEST, WIDEST = 64, 512


def tile_width(values: int, columns: int) -> int:
    """Columns of a tile with so many values in each, a power of two, so that loops leave no remainder.

    Of rows with little more than the narrowest tile there is one tile: a second one would take as long for the rest.
    """
    if columns <= NARROWEST * 3 // 2:
        return columns
    width = WIDEST
    while width > NARROWEST and width * values > TILE_SAMPLES:
        width //= 2
    return width


@helper
def clear(line: Any, n: int) -> None:
    """Zeros; numba takes long to compile ``line[:n] = 0``."""
    for j in range(n):
        line[j] = 0


@helper
def rank_tile(values: Any, first: int, step: int, ranked: Any, count: Any) -> None:
    """Sort every ``step``-th row of ``values`` from ``first`` on, for each column; count what is not NaN.

    ``ranked`` has as many rows as are sorted.
    """
    clear(count, count.size)
    for k in range(ranked.shape[0]):
        source, target = values[first + k * step], ranked[k]
        for j in range(target.size):
            missing = np.isnan(source[j])
            target[j] = LARGEST if missing else source[j]
            count[j] += np.int32(0) if missing else np.int32(1)
    sort_tile(ranked)


@helper
def sort_tile(tile: Any) -> None:
    """Sort each column, ascending, by the network of ``gpipe.arrays.ranking``."""
    rows = tile.shape[0]
    highest = 1
    while 2 * highest < rows:
        highest *= 2
    p = highest
    while p > 0:
        q, r, distance = highest, 0, p
        while distance > 0:
            for i in range(rows - distance):
                if i & p == r:
                    _exchange(tile[i], tile[i + distance])
            distance, q, r = q - p, q // 2, p
        p //= 2


@helper
def _exchange(low: Any, high: Any) -> None:
    for j in range(low.size):
        a, b = low[j], high[j]
        swap = b < a
        low[j] = b if swap else a
        high[j] = a if swap else b


@helper
def median_tile(ranked: Any, count: Any, middle: Any) -> None:
    """Median of the first ``count`` ranks of each column; NaN where there are none."""
    for j in range(middle.size):
        n = count[j]
        middle[j] = HALF * ranked[(n - 1) // 2, j] + HALF * ranked[n // 2, j] if n > 0 else NAN
