"""Kernels on several threads: a stretch of rows for each."""

from collections.abc import Callable
from itertools import pairwise

from gpipe.arrays.blocks import for_each


def by_rows(function: Callable[[int, int], None], rows: int, workers: int) -> None:
    """Call ``function(first, last)`` for stretches of rows, one for each thread."""
    edges = [rows * k // workers for k in range(workers + 1)]
    for_each(lambda ends: function(*ends), pairwise(edges), workers=workers)
