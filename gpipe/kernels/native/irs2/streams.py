"""Streams of IRS2 outputs: functions of ``gpipe.refpix.irs2.lines`` and ``gpipe.refpix.irs2.streams``."""

import numpy as np

from gpipe.arrays.interleaved import BLOCK
from gpipe.kernels.native.arguments import Function, array, contiguous, output, real
from gpipe.refpix.irs2 import lines, streams
from gpipe.refpix.irs2.streams import row_length

_subtract_line = Function(
    "irs2_subtract_line",
    samples=array(np.float32, "rows pixels"),
    times=array(np.float32, "rows pixels"),
    intercept=real,
    slope=real,
    level=output(np.float32, "rows pixels"),
)
_hold = Function(
    "irs2_hold",
    samples=array(np.float32, "rows pixels"),
    lines=output(np.float32, "rows times"),
)
_subtract_stream = Function(
    "irs2_subtract_stream",
    samples=array(np.float32, "rows pixels"),
    lines=array(np.float32, "rows times"),
    clean=output(np.float32, "rows pixels"),
)


def subtract_line(samples: np.ndarray, times: np.ndarray) -> np.ndarray:
    """``gpipe.refpix.irs2.lines.subtract_line``."""
    if not samples.dtype == times.dtype == np.float32 or samples.shape != times.shape:
        return lines.subtract_line(samples, times)
    level = np.empty(samples.shape, np.float32)
    intercept, slope = lines.edge_line(samples, times)
    _subtract_line(contiguous(samples), contiguous(times), np.float32(intercept), np.float32(slope), level)
    return level


def reference_stream(samples: np.ndarray) -> np.ndarray:
    """``gpipe.refpix.irs2.streams.reference_stream``."""
    if not _are_blocks(samples):
        return streams.reference_stream(samples)
    rows, pixels = samples.shape
    held = np.empty((rows, row_length(pixels)), np.float32)
    _hold(contiguous(samples), held)
    return held.reshape(-1)


def without_noise(samples: np.ndarray, stream: np.ndarray) -> np.ndarray:
    """``gpipe.refpix.irs2.streams.without_noise``."""
    if not _are_blocks(samples) or stream.dtype != np.float32:
        return streams.without_noise(samples, stream)
    rows, pixels = samples.shape
    if stream.shape != (rows * row_length(pixels),):
        return streams.without_noise(samples, stream)
    clean = np.empty(samples.shape, np.float32)
    _subtract_stream(contiguous(samples), contiguous(stream).reshape(rows, row_length(pixels)), clean)
    return clean


def _are_blocks(samples: np.ndarray) -> bool:
    """Tell whether the samples are rows of whole blocks, of the type that C takes."""
    return samples.dtype == np.float32 and samples.ndim == 2 and samples.shape[1] % BLOCK == 0
