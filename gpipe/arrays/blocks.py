"""Run a function over blocks of detector rows, so that its temporaries stay small and cores share the work."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from array_api_compat import array_namespace, device

from gpipe.arrays.threads import ThreadPool
from gpipe.arrays.types import Array, Namespace

Item = TypeVar("Item")
Result = TypeVar("Result")

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
    if workers > 1 and len(starts) > 1:
        with ThreadPool(workers) as pool:
            return _put_together(pool.map(one_block, starts), rows, xp=xp)
    return _put_together(map(one_block, starts), rows, xp=xp)


def for_each(function: Callable[[Item], Result], items: Iterable[Item], *, workers: int = 1) -> list[Result]:
    """Call ``function`` with every item, on so many threads; return the results in the order of the items."""
    if workers == 1:
        return [function(item) for item in items]
    with ThreadPool(workers) as pool:
        return list(pool.map(function, items))


def in_waves(
    function: Callable[[Item], Result], items: Sequence[Item], *, workers: int = 1
) -> Iterator[tuple[Item, Result]]:
    """`for_each`, so many items at a time: each with what the function gives, of which no more is held at once."""
    for start in range(0, len(items), workers):
        wave = items[start : start + workers]
        yield from zip(wave, for_each(function, wave, workers=workers), strict=True)


def _put_together(pieces: Iterable[Sequence[Array]], rows: int, *, xp: Namespace) -> tuple[Array, ...]:
    """Write pieces into whole arrays as they come, so that they need not all be held at once."""
    whole: tuple[Array, ...] = ()
    start = 0
    for parts in pieces:
        stop = start + parts[0].shape[ROW_AXIS]
        if stop - start == rows:
            return tuple(parts)
        if not whole:
            shapes = [(*part.shape[:ROW_AXIS], rows, *part.shape[ROW_AXIS + 1 :]) for part in parts]
            whole = tuple(
                xp.empty(shape, dtype=part.dtype, device=device(part))
                for shape, part in zip(shapes, parts, strict=True)
            )
        for target, part in zip(whole, parts, strict=True):
            target[..., start:stop, :] = part
        start = stop
    return whole
