"""Linearity: ``gpipe.linearity.linearity.correct_linearity``, the coefficients of a tile read once for all samples.

A tile is a stretch of columns of one row. Sums and products are in float32, in the order of the portable functions.
"""

from typing import Any, NamedTuple

import numpy as np

from gpipe import dq
from gpipe.kernels.cpu.arguments import frozen
from gpipe.kernels.cpu.compiling import helper, kernel
from gpipe.kernels.cpu.tiles import F, clear
from gpipe.linearity.linearity import Linearized

ZERO, ONE = F(0), F(1)
SATURATED, NO_LIN_CORR = dq.SATURATED, dq.NO_LIN_CORR
WIDTH = 1024


class Frames(NamedTuple):
    """Memory for the frames of a group: (frame, column), and what is one number for each column."""

    values: np.ndarray
    line: np.ndarray
    mean: np.ndarray
    start: np.ndarray
    rate: np.ndarray
    last: np.ndarray


def correct_linearity(
    data: Any,
    groupdq: Any,
    pixeldq: Any,
    coeffs: Any,
    coeffs_dq: Any,
    *,
    inverse: Any = None,
    nframes: int = 1,
    zeroframe: Any = None,
) -> Linearized:
    """See ``gpipe.linearity.linearity.correct_linearity``."""
    if nframes == 1 or data.shape[1] == 1:
        inverse = None
    fewest = min(x.shape[0] for x in (coeffs, inverse) if x is not None)
    if fewest < 2:
        raise ValueError(f"a linearity polynomial has at least 2 coefficients, found {fewest}")
    out, flags = np.empty(data.shape, np.float32), np.empty(pixeldq.shape, np.uint32)
    zero = np.empty((0, *pixeldq.shape) if zeroframe is None else zeroframe.shape, np.float32)
    frames = zero if zeroframe is None else zeroframe
    plain = data if inverse is None else data[:0]
    results = [_as_line(x) for x in (out, flags, zero)]
    _correct(*map(_frozen_line, (plain, groupdq, pixeldq, coeffs, coeffs_dq, frames)), *results)
    if inverse is not None:
        _correct_averaged(*map(_frozen_line, (data, groupdq, coeffs, coeffs_dq, inverse)), nframes, *results[:2])
    return Linearized(data=out, pixeldq=flags, zeroframe=None if zeroframe is None else zero)


def _as_line(x: np.ndarray) -> np.ndarray:
    """All rows as one, which is as long as can be whatever the subarray, for as long as it is contiguous."""
    return x.reshape(*x.shape[:-2], 1, x.shape[-2] * x.shape[-1])


def _frozen_line(x: np.ndarray) -> np.ndarray:
    return frozen(_as_line(np.ascontiguousarray(x)))


@kernel
def _correct(data, groupdq, pixeldq, coeffs, coeffs_dq, zeroframe, out, flags, zero):
    rows, columns = pixeldq.shape
    forward = np.empty((coeffs.shape[0], WIDTH), np.float32)
    missing = np.empty(WIDTH, np.uint8)
    for r in range(rows):
        for start in range(0, columns, WIDTH):
            part = slice(start, min(start + WIDTH, columns))
            line = flags[r, part]
            _begin_flags(pixeldq[r, part], coeffs_dq[r, part], line)
            _make_usable(coeffs, coeffs_dq, r, part, forward, missing, line)
            for i in range(data.shape[0]):
                for g in range(data.shape[1]):
                    counts, linear = data[i, g, r, part], out[i, g, r, part]
                    _evaluate(forward, counts, linear)
                    _keep_saturated(counts, groupdq[i, g, r, part], linear)
            for i in range(zero.shape[0]):
                _evaluate(forward, zeroframe[i, r, part], zero[i, r, part])
                _keep_zeros(zeroframe[i, r, part], zero[i, r, part])


@kernel
def _correct_averaged(data, groupdq, coeffs, coeffs_dq, inverse, nframes, out, flags):
    """Groups of averaged frames: a kernel of its own, as few exposures wait for it to be compiled."""
    rows, columns = flags.shape
    forward = np.empty((coeffs.shape[0], WIDTH), np.float32)
    backward = np.empty((inverse.shape[0], WIDTH), np.float32)
    missing = np.empty(WIDTH, np.uint8)
    lines = np.empty((5, WIDTH), np.float32)
    values = np.empty((nframes, WIDTH), np.float32)
    frames = Frames(values, lines[0], lines[1], lines[2], lines[3], lines[4])
    for r in range(rows):
        for start in range(0, columns, WIDTH):
            part = slice(start, min(start + WIDTH, columns))
            line = flags[r, part]
            _make_usable(coeffs, coeffs_dq, r, part, forward, missing, line)
            _make_usable(inverse, coeffs_dq, r, part, backward, missing, line)
            for i in range(data.shape[0]):
                _correct_frames(data[i], groupdq[i], r, part, forward, backward, frames, out[i])
                for g in range(data.shape[1]):
                    _keep_saturated(data[i, g, r, part], groupdq[i, g, r, part], out[i, g, r, part])


@helper
def _begin_flags(pixeldq, coeffs_dq, flags):
    for c in range(flags.size):
        flags[c] = pixeldq[c] | coeffs_dq[c]


@helper
def _make_usable(coeffs, coeffs_dq, r, part, usable, missing, flags):
    """``usable_polynomial``, and its flag for the pixels."""
    n = flags.size
    clear(missing, n)
    for k in range(coeffs.shape[0]):
        _look_for_nan(coeffs[k, r, part], missing)
    linear, given = coeffs[1, r, part], coeffs_dq[r, part]
    for c in range(n):
        missing[c] |= linear[c] == ZERO
    for c in range(n):
        flags[c] |= NO_LIN_CORR if missing[c] else 0
    for c in range(n):
        missing[c] |= (given[c] & NO_LIN_CORR) != 0
    for k in range(coeffs.shape[0]):
        _replace(coeffs[k, r, part], missing, ONE if k == 1 else ZERO, usable[k])


@helper
def _look_for_nan(values, found):
    for c in range(values.size):
        found[c] |= values[c] != values[c]


@helper
def _replace(values, missing, instead, out):
    for c in range(values.size):
        value = values[c]
        out[c] = instead if missing[c] else value


@helper
def _evaluate(coeffs, x, out):
    """``evaluate``, with two steps of Horner's rule in most passes: each pass costs as much as its loads and stores."""
    highest = coeffs.shape[0] - 1
    done = highest
    if highest % 2 and highest > 1:
        done -= 1
        _multiply_twice(coeffs[highest], coeffs[done], x, out)
    else:
        _multiply(coeffs[highest], x, out)
    for power in range(done - 1, 1, -2):
        _take_two(coeffs[power], coeffs[power - 1], x, out)
    if highest > 1:
        _finish(coeffs[1], coeffs[0], x, out)
    else:
        _add(coeffs[0], out)


@helper
def _multiply(coeff, x, out):
    for c in range(out.size):
        out[c] = coeff[c] * x[c]


@helper
def _multiply_twice(high, low, x, out):
    for c in range(out.size):
        out[c] = (high[c] * x[c] + low[c]) * x[c]


@helper
def _take_two(high, low, x, out):
    for c in range(out.size):
        out[c] = ((out[c] + high[c]) * x[c] + low[c]) * x[c]


@helper
def _finish(linear, constant, x, out):
    for c in range(out.size):
        out[c] = (out[c] + linear[c]) * x[c] + constant[c]


@helper
def _add(addend, out):
    for c in range(out.size):
        out[c] += addend[c]


@helper
def _keep_saturated(counts, flags, out):
    for c in range(out.size):
        value, linear = counts[c], out[c]
        out[c] = value if flags[c] & SATURATED else linear


@helper
def _keep_zeros(counts, out):
    for c in range(out.size):
        linear = out[c]
        out[c] = ZERO if counts[c] == ZERO else linear


@helper
def _correct_frames(data, groupdq, r, part, forward, backward, frames, out):
    """``correct_frames`` of one integration."""
    n, nframes = part.stop - part.start, frames.values.shape[0]
    line, mean = frames.line[:n], frames.mean[:n]
    _straight_ramp(data, groupdq, r, part, forward, frames)
    for g in range(data.shape[0]):
        clear(mean, n)
        for f in range(nframes):
            time = F(f) - F((nframes - 1) / 2) + F(g * nframes)
            _reach(frames.start, frames.rate, time, line)
            _evaluate(backward, line, frames.values[f, :n])
            _add(frames.values[f], mean)
        _subtract_mean(data[g, r, part], F(nframes), mean)
        linear = out[g, r, part]
        clear(linear, n)
        for f in range(nframes):
            _add(mean, frames.values[f, :n])
            _evaluate(forward, frames.values[f, :n], line)
            _add(line, linear)
        _divide(F(nframes), linear)


@helper
def _straight_ramp(data, groupdq, r, part, forward, frames):
    """``_straight_ramp``: counts in the middle of group 0 and their rise in a frame."""
    groups, n, nframes = data.shape[0], part.stop - part.start, frames.values.shape[0]
    start, line, rate, last = frames.start[:n], frames.line[:n], frames.rate[:n], frames.last[:n]
    for c in range(n):
        last[c] = F(-2)
    for g in range(groups):
        _count_usable(groupdq[g, r, part], last)
    for c in range(n):
        count = last[c]
        last[c] = ONE if count < ONE else count
    _evaluate(forward, data[0, r, part], start)
    _keep_saturated(data[0, r, part], groupdq[0, r, part], start)
    for g in range(1, max(groups - 1, 2)):
        _evaluate(forward, data[g, r, part], line)
        _keep_saturated(data[g, r, part], groupdq[g, r, part], line)
        _choose(line, F(g), last, rate)
    for c in range(n):
        rate[c] = (rate[c] - start[c]) / (last[c] * F(nframes))


@helper
def _count_usable(flags, count):
    for c in range(count.size):
        count[c] += ZERO if flags[c] & SATURATED else ONE


@helper
def _choose(values, group, last, chosen):
    for c in range(chosen.size):
        value, before = values[c], chosen[c]
        chosen[c] = value if last[c] == group else before


@helper
def _reach(start, rate, time, out):
    for c in range(out.size):
        out[c] = start[c] + rate[c] * time


@helper
def _subtract_mean(counts, number, total):
    for c in range(total.size):
        total[c] = counts[c] - total[c] / number


@helper
def _divide(number, out):
    for c in range(out.size):
        out[c] /= number
