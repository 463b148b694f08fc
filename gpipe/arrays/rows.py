"""Slices of detector rows, so that the intermediate arrays of a formula stay in the processor's cache."""

from collections.abc import Iterator

from array_api_compat import device

from gpipe.arrays.types import Array

CACHED_PIXELS = 1 << 15


def row_slices(x: Array, *, pixels: int | None = None) -> Iterator[slice]:
    """Slices that cover the rows of ``x`` (…, row, column) in order, each of about ``pixels`` detector pixels.

    By default a slice of float32 pixels takes 128 kB where the array lives in the host's memory; elsewhere all rows are
    one slice, because an accelerator is faster the more pixels it gets at once.
    """
    rows, columns = x.shape[-2:]
    if pixels is None:
        pixels = CACHED_PIXELS if str(device(x)).lower().startswith("cpu") else rows * columns
    step = max(1, pixels // max(columns, 1))
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))
