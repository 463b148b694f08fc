"""Samples of IRS2 outputs: functions of ``gpipe.refpix.irs2.samples``, in one pass each.

Rows of a frame are pixels of an output, so that a tile of a block of rows is turned in the cache.
"""

from typing import Any

import numpy as np

from gpipe.arrays.interleaved import BLOCK, HALF, READS
from gpipe.kernels.cpu.arguments import frozen
from gpipe.kernels.cpu.by_rows import by_rows
from gpipe.kernels.cpu.compiling import helper, kernel
from gpipe.kernels.cpu.tiles import F
from gpipe.refpix.irs2.bad_reads import PAIR
from gpipe.refpix.irs2.samples import normal_counts as portable_normal_counts
from gpipe.refpix.irs2.samples import rise_to_mean as portable_rise_to_mean
from gpipe.refpix.irs2.samples import samples_in_time as portable_samples_in_time
from gpipe.refpix.orientation import Orientation

D, HALVED, NOTHING = np.float64, F(0.5), F(0)
WIDTH = 128
"""Columns of a tile."""
NONE = -1


def rise_to_mean(data: np.ndarray, levels: np.ndarray | None = None, *, workers: int = 1) -> np.ndarray:
    """``gpipe.refpix.irs2.samples.rise_to_mean``."""
    if levels is not None:
        return portable_rise_to_mean(data, levels, workers=workers)
    rise = np.empty(data.shape[1:])
    counts = frozen(data)
    by_rows(lambda start, stop: find_rise(counts, start, stop, rise), len(rise), workers)
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
    if not orientation.transposed:
        which: dict[str, Any] = {"output": output, "orientation": orientation}
        return portable_samples_in_time(counts, first, rise, bad=bad, named=named, **which)
    samples = np.empty(counts.shape[::-1], np.float32)
    one, other = sources(counts.shape[0], bad, named)
    arrays = (frozen(x) for x in (counts, first, rise, one, other))
    take_in_time(*arrays, *_backwards(output, orientation), samples)
    return samples


def normal_counts(
    samples: np.ndarray, first: np.ndarray, rise: np.ndarray, *, output: int, orientation: Orientation
) -> np.ndarray:
    """``gpipe.refpix.irs2.samples.normal_counts``."""
    if not orientation.transposed:
        return portable_normal_counts(samples, first, rise, output=output, orientation=orientation)
    counts = np.empty((first.shape[0] // BLOCK * 2 * HALF, first.shape[1]), np.float32)
    put_back(frozen(samples), frozen(first), frozen(rise), *_backwards(output, orientation), counts)
    return counts


def _backwards(output: int, orientation: Orientation) -> tuple[bool, bool]:
    """Whether columns, and rows, run against the order of time."""
    return orientation.slowaxis < 0, (orientation.fastaxis < 0) != (output % 2 == 0)


def sources(rows: int, bad: np.ndarray | None, named: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """The two rows that each row becomes the mean of: itself twice, or what `replace_reads` says, or none."""
    one = np.arange(rows)
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


@kernel
def find_rise(counts, start, stop, rise):
    """Write the rows from ``start`` to ``stop`` of ``rise``."""
    groups = counts.shape[0]
    for y in range(start, stop):
        line = rise[y]
        for x in range(line.size):
            line[x] = 0
        for group in range(1, groups):
            _add_difference(counts[group, y], counts[0, y], line)
        for x in range(line.size):
            line[x] /= groups


@helper
def _add_difference(counts, first, line):
    for x in range(line.size):
        line[x] += D(counts[x]) - D(first[x])


@kernel
def take_in_time(counts, first, rise, one, other, columns_back, rows_back, samples):
    """Write ``samples``: each row's differences from the mean, or the mean of those of two rows."""
    tile, line = np.empty((BLOCK, WIDTH), np.float32), np.empty(WIDTH, np.float32)
    for y in range(0, counts.shape[0], BLOCK):
        for x in range(0, counts.shape[1], WIDTH):
            _fill(tile, line, counts, first, rise, one, other, y, x)
            _turn(tile, y, x, columns_back, rows_back, samples)


@helper
def _fill(tile, line, counts, first, rise, one, other, y, x):
    n = min(WIDTH, counts.shape[1] - x)
    for k in range(BLOCK):
        a, b = one[y + k], other[y + k]
        if a == NONE:
            for j in range(n):
                tile[k, j] = NOTHING
            continue
        _differ(counts[a, x : x + n], first[a, x : x + n], rise[a, x : x + n], tile[k])
        if b != a:
            _differ(counts[b, x : x + n], first[b, x : x + n], rise[b, x : x + n], line)
            for j in range(n):
                tile[k, j] = HALVED * (tile[k, j] + line[j])


@helper
def _differ(counts, first, rise, out):
    for j in range(counts.size):
        out[j] = D(counts[j]) - D(first[j]) - rise[j]


@helper
def _turn(tile, y, x, columns_back, rows_back, samples):
    columns, rows = samples.shape
    for j in range(min(WIDTH, columns - x)):
        line = samples[columns - 1 - x - j if columns_back else x + j]
        for k in range(BLOCK):
            value = tile[k, j]
            line[rows - 1 - y - k if rows_back else y + k] = NOTHING if np.isnan(value) else value


@kernel
def put_back(samples, first, rise, columns_back, rows_back, counts):
    """Write ``counts`` of normal pixels: samples and their mean."""
    tile = np.empty((BLOCK, WIDTH), np.float32)
    for y in range(0, first.shape[0], BLOCK):
        for x in range(0, first.shape[1], WIDTH):
            _turn_back(samples, y, x, columns_back, rows_back, tile)
            _add_mean(tile, first, rise, y, x, counts)


@helper
def _turn_back(samples, y, x, columns_back, rows_back, tile):
    columns, rows = samples.shape
    for j in range(min(WIDTH, columns - x)):
        line = samples[columns - 1 - x - j if columns_back else x + j]
        for k in range(BLOCK):
            tile[k, j] = line[rows - 1 - y - k if rows_back else y + k]


@helper
def _add_mean(tile, first, rise, y, x, counts):
    n = min(WIDTH, first.shape[1] - x)
    row = y // BLOCK * 2 * HALF
    for k in range(BLOCK):
        if k < HALF or k >= HALF + READS:
            _add(tile[k], first[y + k, x : x + n], rise[y + k, x : x + n], counts[row, x : x + n])
            row += 1


@helper
def _add(samples, first, rise, out):
    for j in range(out.size):
        out[j] = D(samples[j]) + (D(first[j]) + rise[j])
