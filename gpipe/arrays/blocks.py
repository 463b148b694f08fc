"""Run a function over blocks of detector rows, so that its temporaries stay small and cores share the work."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from array_api_compat import array_namespace

from gpipe.arrays.types import Array

ROW_AXIS = -2


def map_row_blocks(
    function: Callable[..., Sequence[Array]], *arrays: Array | None, block_rows: int, workers: int = 1
) -> tuple[Array, ...]:
    """Apply ``function`` to blocks of rows of all arrays and put the results together again.

    Parameters
    ----------
    function : takes as many arrays as are given here and returns a sequence of arrays; no value of one row may
        depend on another row. Rows are the second last axis of every array that goes in or comes out.
    arrays : (…, row, column). ``None`` is handed on as ``None``.
    block_rows : rows in one block.
    workers : number of threads; the result does not depend on it.
    """
    present = [x for x in arrays if x is not None]
    xp = array_namespace(*present)
    rows = present[0].shape[ROW_AXIS]

    def one_block(start: int) -> Sequence[Array]:
        block = slice(start, min(start + block_rows, rows))
        return function(*(None if x is None else x[..., block, :] for x in arrays))

    starts = range(0, rows, block_rows)
    if workers > 1:
        with ThreadPoolExecutor(workers) as pool:
            pieces: list[Any] = list(pool.map(one_block, starts))
    else:
        pieces = [one_block(start) for start in starts]
    return tuple(xp.concat(list(parts), axis=ROW_AXIS) for parts in zip(*pieces, strict=True))
