"""Streams of IRS2 outputs: functions of ``gpipe.refpix.irs2.lines`` and ``irs2_streams``, in one pass each."""

import numpy as np

from gpipe.arrays.interleaved import BLOCK, HALF, READS
from gpipe.kernels.cpu.arguments import frozen
from gpipe.kernels.cpu.compiling import helper, kernel
from gpipe.kernels.cpu.tiles import F
from gpipe.refpix.irs2.lines import edge_line
from gpipe.refpix.irs2.streams import HELD, STEP, row_length
from gpipe.refpix.irs2.streams import reference_stream as portable_reference_stream

NOTHING = F(0)
FIRST_HELD, AFTER = HALF - 1, HALF + READS


def subtract_line(samples: np.ndarray, times: np.ndarray) -> np.ndarray:
    """``gpipe.refpix.irs2.lines.subtract_line``."""
    level = np.empty(samples.shape, np.float32)
    intercept, slope = edge_line(samples, times)
    level_rows(frozen(samples), frozen(times), F(intercept), F(slope), level)
    return level


def reference_stream(samples: np.ndarray) -> np.ndarray:
    """``gpipe.refpix.irs2.streams.reference_stream``."""
    if samples.ndim > 2 or samples.dtype != np.float32:
        return portable_reference_stream(samples)
    rows, pixels = samples.shape
    lines = np.empty((rows, row_length(pixels)), np.float32)
    hold(frozen(samples), lines)
    return lines.reshape(-1)


def without_noise(samples: np.ndarray, stream: np.ndarray) -> np.ndarray:
    """``gpipe.refpix.irs2.streams.without_noise``."""
    clean = np.empty(samples.shape, np.float32)
    subtract(frozen(samples), frozen(stream.reshape(len(samples), -1)), clean)
    return clean


@kernel
def level_rows(samples, times, intercept, slope, level):
    """Write ``level``: samples less the line, but for zeros."""
    for y in range(samples.shape[0]):
        for x in range(samples.shape[1]):
            value = samples[y, x]
            level[y, x] = value - (intercept + slope * times[y, x]) if value != NOTHING else value


@kernel
def hold(samples, lines):
    """Write ``lines``: reference pixels for as long as they are held, else zeros."""
    for y in range(samples.shape[0]):
        line = lines[y]
        for x in range(line.size):
            line[x] = NOTHING
        for block in range(samples.shape[1] // BLOCK):
            _hold(samples[y], BLOCK * block + HALF, line, STEP * block + FIRST_HELD)


@helper
def _hold(samples, reads, line, start):
    for late, read in enumerate(HELD):
        line[start + late] = samples[reads + read]


@kernel
def subtract(samples, lines, clean):
    """Write ``clean``: samples less what lines hold at their times, which leave gaps around reference pixels."""
    for y in range(samples.shape[0]):
        for block in range(samples.shape[1] // BLOCK):
            x, time = BLOCK * block, STEP * block
            for k in range(HALF):
                clean[y, x + k] = samples[y, x + k] - lines[y, time + k]
            for k in range(HALF, AFTER):
                clean[y, x + k] = samples[y, x + k] - lines[y, time + k + 1]
            for k in range(AFTER, BLOCK):
                clean[y, x + k] = samples[y, x + k] - lines[y, time + k + 2]
