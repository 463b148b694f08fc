"""Slices of detector rows, so that the intermediate arrays of a formula stay in the processor's cache."""

from collections.abc import Iterator

from gpipe.arrays.memory import is_on_host
from gpipe.arrays.types import Array

CACHED_PIXELS = 1 << 15


def row_slices(x: Array, *, pixels: int = CACHED_PIXELS) -> Iterator[slice]:
    """Slices that cover the rows of ``x`` (…, row, column) in order.

    In the host's memory each slice holds about ``pixels`` detector pixels, by default as many as take 128 kB in
    float32. On an accelerator, which is faster the more pixels it gets at once, one slice holds all rows.
    """
    rows, columns = x.shape[-2:]
    step = max(1, pixels // max(columns, 1) if is_on_host(x) else rows)
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))


def widen(rows: slice, reach: int, total: int) -> tuple[slice, slice]:
    """Widen a slice by ``reach`` rows at both ends, within the array; also return the slice of ``rows`` in it."""
    around = slice(max(0, rows.start - reach), min(total, rows.stop + reach))
    return around, slice(rows.start - around.start, rows.stop - around.start)
