"""Samples of IRS2 outputs: functions of ``gpipe.refpix.irs2.samples``, in one pass each."""

from typing import Any

import numpy as np

from gpipe.arrays.interleaved import BLOCK, HALF, READS
from gpipe.kernels.native.arguments import Function, array, contiguous, flag, integer, output
from gpipe.kernels.native.by_rows import by_rows
from gpipe.refpix.irs2 import samples as portable
from gpipe.refpix.irs2.bad_reads import PAIR
from gpipe.refpix.orientation import Orientation

NONE = -1

_rise = Function(
    "irs2_rise",
    counts=array(np.float32, "groups rows columns"),
    start=integer,
    stop=integer,
    rise=output(np.float64, "rows columns"),
)
_samples = Function(
    "irs2_samples",
    counts=array(np.float32, "rows columns"),
    first=array(np.float32, "rows columns"),
    rise=array(np.float64, "rows columns"),
    one=array(np.int64, "rows"),
    other=array(np.int64, "rows"),
    columns_back=flag,
    rows_back=flag,
    samples=output(np.float32, "columns rows"),
)
_counts = Function(
    "irs2_counts",
    samples=array(np.float32, "columns rows"),
    first=array(np.float32, "rows columns"),
    rise=array(np.float64, "rows columns"),
    columns_back=flag,
    rows_back=flag,
    counts=output(np.float32, "normal columns"),
)


def rise_to_mean(data: np.ndarray, levels: np.ndarray | None = None, *, workers: int = 1) -> np.ndarray:
    """``gpipe.refpix.irs2.samples.rise_to_mean``."""
    if levels is not None or data.dtype != np.float32 or len(data) == 0:
        return portable.rise_to_mean(data, levels, workers=workers)
    rise = np.empty(data.shape[1:])
    counts = contiguous(data)
    by_rows(lambda start, stop: _rise(counts, start, stop, rise), len(rise), workers)
    return rise


def samples_in_time(
    counts: np.ndarray,
    first: np.ndarray,
    rise: np.ndarray,
    *,
    output: int,
    orientation: Orientation,
    bad: np.ndarray | None = None,
    named: np.ndarray | None = None,
) -> np.ndarray:
    """``gpipe.refpix.irs2.samples.samples_in_time``."""
    is_known = _are_blocks(counts, first, rise) and all(_are_reads(x, len(counts)) for x in (bad, named))
    if not (is_known and orientation.transposed):
        which: dict[str, Any] = {"output": output, "orientation": orientation}
        return portable.samples_in_time(counts, first, rise, bad=bad, named=named, **which)
    samples = np.empty(counts.shape[::-1], np.float32)
    given = (contiguous(x) for x in (counts, first, rise))
    _samples(*given, *_sources(len(counts), bad, named), *_backwards(output, orientation), samples)
    return samples


def normal_counts(
    samples: np.ndarray, first: np.ndarray, rise: np.ndarray, *, output: int, orientation: Orientation
) -> np.ndarray:
    """``gpipe.refpix.irs2.samples.normal_counts``."""
    if not (_are_blocks(samples.T, first, rise) and orientation.transposed):
        return portable.normal_counts(samples, first, rise, output=output, orientation=orientation)
    counts = np.empty((len(first) // BLOCK * 2 * HALF, first.shape[1]), np.float32)
    given = (contiguous(x) for x in (samples, first, rise))
    _counts(*given, *_backwards(output, orientation), counts)
    return counts


def _are_blocks(counts: np.ndarray, first: np.ndarray, rise: np.ndarray) -> bool:
    """Tell whether the arrays are whole blocks of one shape, of the types that C takes."""
    is_typed = counts.dtype == first.dtype == np.float32 and rise.dtype == np.float64
    return is_typed and counts.shape == first.shape == rise.shape and len(counts) % BLOCK == 0


def _are_reads(bad: np.ndarray | None, rows: int) -> bool:
    return bad is None or (bad.dtype == np.bool_ and bad.shape == (rows // BLOCK, READS))


def _backwards(output: int, orientation: Orientation) -> tuple[bool, bool]:
    """Tell whether columns, and rows, run against the order of time."""
    return orientation.slowaxis < 0, (orientation.fastaxis < 0) != (output % 2 == 0)


def _sources(rows: int, bad: np.ndarray | None, named: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """The two rows that each row becomes the mean of: itself twice, or what `replace_reads` says, or none."""
    one = np.arange(rows, dtype=np.int64)
    other = one.copy()
    if bad is None:
        return one, other
    for due, excluded in ((bad, bad), *(() if named is None else ((named & ~bad, named | bad),))):
        for block, read in np.argwhere(due):
            found = [(k, read) for k in (block - 1, block + 1) if 0 <= k < len(bad) and not excluded[k, read]]
            opposite = (block, (read + PAIR) % READS)
            found = found or ([] if excluded[opposite] else [opposite])
            places = [BLOCK * k + HALF + r for k, r in found] or [NONE]
            one[BLOCK * block + HALF + read], other[BLOCK * block + HALF + read] = places[0], places[-1]
    return one, other
