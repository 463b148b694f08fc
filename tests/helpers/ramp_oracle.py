"""The fit of one pixel's ramps, written down as plainly as the equations: loops, lists and float64."""

import math
from dataclasses import dataclass

import numpy as np

DO_NOT_USE, SATURATED, JUMP_DET, PERSISTENCE, CHARGELOSS, NO_GAIN_VALUE = 1, 2, 4, 32, 128, 1 << 19
POWERS = ((5, 0.0), (10, 0.4), (20, 1.0), (50, 3.0), (100, 6.0), (math.inf, 10.0))


@dataclass
class Segment:
    start: int
    length: int
    slope: float  # DN/s
    var_p: float
    var_r: float
    yint: float = 0.0
    sigslope: float = 0.0
    sigyint: float = 0.0


@dataclass
class Integration:
    segments: list[Segment]
    dq: int
    slope: float = math.nan
    var_p: float = 0.0
    var_r: float = 0.0
    err: float = 0.0


@dataclass
class Pixel:
    integrations: list[Integration]
    dq: int
    slope: float = math.nan
    var_p: float = 0.0
    var_r: float = 0.0
    err: float = 0.0


def good(flag):
    return flag & ~PERSISTENCE == 0


def runs(flags):
    """(start, length) of the segments of one ramp."""
    if flags[0] & SATURATED:
        return []
    found, k = [], 0
    while k < len(flags):
        if not good(flags[k]):
            k += 1
            continue
        end = k
        while end < len(flags) and good(flags[end]):
            end += 1
        start = k - 1 if k and flags[k - 1] & ~PERSISTENCE == JUMP_DET else k
        found.append((start, end - start))
        k = end
    longer = [r for r in found if r[1] > 1]
    return longer or found[:1]


def line(x, y, w):
    """Intercept, slope and their errors of a weighted least-squares line, for weights 1/σ²."""
    s, sx, sxx = w.sum(), (w * x).sum(), (w * x * x).sum()
    sy, sxy = (w * y).sum(), (w * x * y).sum()
    det = s * sxx - sx * sx
    return (sxx * sy - sx * sxy) / det, (s * sxy - sx * sy) / det, math.sqrt(sxx / det), math.sqrt(s / det)


def fit_segment(start, y, noise, gain, rate, dark, time):
    n = len(y)
    rise = (y[-1] - y[0]) * gain
    variance = noise**2 + rise
    ratio = rise / math.sqrt(variance) if variance > 0 else 0.0
    power = next(p for limit, p in POWERS if ratio < limit)
    i = np.arange(n)
    middle = (n - 1) / 2
    weights = np.abs((i - middle) / middle) ** power / noise**2
    yint, slope, sigyint, sigslope = line(i + start, y, weights)
    if n == 2:
        sigyint = sigslope
    var_r = 12 * noise**2 / ((n**3 - n) * time**2 * gain**2)
    var_p = (max(rate, 0.0) + dark) / (time * gain * (n - 1))
    return Segment(start, n, slope / time, var_p, var_r, yint, sigslope, sigyint)


def prepared(y, q, zero, suppress):
    """Signals, flags, whether only the first group is good, whether the zeroframe is used."""
    y = y.astype(float)
    q = [int(f) | (0 if np.isfinite(v) else DO_NOT_USE) for f, v in zip(q, y, strict=True)]
    y = np.where(np.isfinite(y), y, 0.0)
    suppress = suppress and len(q) > 1
    if suppress:
        if sum(good(f) for f in q) == 1:
            q = [f | DO_NOT_USE for f in q]
        return y, q, False, False
    if all(f != 0 for f in q) and zero is not None and zero != 0 and np.isfinite(zero):
        return np.concatenate(([zero], y[1:])), [0, *q[1:]], False, True
    return y, q, q[0] == 0 and all(f != 0 for f in q[1:]), False


def robust_rate(ramps, timing):
    """Mean over the integrations that have a rate; where none has, over those with an only group; else 0."""
    rates, of_only_groups = [], []
    for y, q, only_first, from_zero in ramps:
        usable = [f & (DO_NOT_USE | SATURATED) == 0 for f in q]
        if len(q) == 1:
            if usable[0]:
                rates.append(y[0] / timing.first_group_time)
        elif only_first:
            rates.append(y[0] / timing.first_group_time)
        elif from_zero:
            rates.append(y[0] / timing.frame_time)
        else:
            steps = [
                y[k + 1] - y[k] for k in range(len(q) - 1) if usable[k] and usable[k + 1] and not q[k + 1] & JUMP_DET
            ]
            if steps:
                rates.append(np.median(steps) / timing.group_time)
            else:
                of_only_groups += [y[start] / timing.group_time for start, _ in runs(q)]
    return float(np.mean(rates or of_only_groups or [0.0]))


def combine(segments):
    """Slope and variances of several segments together."""
    var_r = 1 / sum(1 / s.var_r for s in segments)
    inverse_p = sum(1 / s.var_p for s in segments if s.var_p > 0)
    return sum(s.slope / s.var_r for s in segments) * var_r, 1 / inverse_p if inverse_p else 0.0, var_r


def fit_pixel(data, groupdq, pixeldq, readnoise, gain, options, dark=0.0, zeroframe=None):
    """``data`` and ``groupdq`` are (integration, group); ``zeroframe`` is (integration,)."""
    timing = options.timing
    zeros = [None] * len(data) if zeroframe is None else zeroframe
    limits = range(options.first_group or 0, 1 + (options.last_group or data.shape[1] - 1))
    groupdq = np.array([[f | (k not in limits) for k, f in enumerate(ramp)] for ramp in groupdq])
    ramps = [prepared(y, q, z, options.suppress_one_group) for y, q, z in zip(data, groupdq, zeros, strict=True)]
    quality = int(pixeldq) | (0 if gain > 0 else NO_GAIN_VALUE | DO_NOT_USE)
    gain = float(gain) if gain > 0 else 1.0
    noise = float(readnoise) * gain / math.sqrt(2 * timing.frames)
    rate = robust_rate(ramps, timing)
    seen = [int(np.bitwise_or.reduce(q)) for q in groupdq]
    pixel = Pixel([], quality)
    for (y, q, only_first, from_zero), union in zip(ramps, seen, strict=True):
        segments = []
        for start, n in runs(q):
            if n > 1:
                segments.append(fit_segment(start, y[start : start + n], noise, gain, rate, dark, timing.group_time))
                continue
            time = timing.first_group_time if only_first else timing.frame_time if from_zero else timing.group_time
            var_r = 2 * (noise / (time * gain)) ** 2
            segments.append(Segment(start, 1, y[start] / time, (max(rate, 0) + dark) / (time * gain), var_r))
        flags = quality | (union & (JUMP_DET | PERSISTENCE))
        flags |= SATURATED if q[0] & SATURATED else 0
        flags |= DO_NOT_USE if not segments else 0
        fitted = Integration(segments, flags)
        if not flags & (DO_NOT_USE | SATURATED):
            fitted.slope, fitted.var_p, fitted.var_r = combine(segments)
            fitted.err = math.sqrt(1 / sum(1 / (s.var_p + s.var_r) for s in segments))
        pixel.integrations.append(fitted)
    for bit in (JUMP_DET, PERSISTENCE):
        pixel.dq |= bit if any(union & bit for union in seen) else 0
    for bit in (DO_NOT_USE, SATURATED):
        pixel.dq |= bit if all(i.dq & bit for i in pixel.integrations) else 0
    if not pixel.dq & (DO_NOT_USE | SATURATED):
        pixel.slope, pixel.var_p, pixel.var_r = combine([s for i in pixel.integrations for s in i.segments])
        pixel.err = math.sqrt(pixel.var_p + pixel.var_r)
    for fitted, union, (_, q, _, from_zero) in zip(pixel.integrations, seen, ramps, strict=True):
        partly = union & SATURATED and not (len(q) == 1 and from_zero)
        fitted.dq |= SATURATED if partly else 0
        pixel.dq |= SATURATED if partly else 0
    return pixel
