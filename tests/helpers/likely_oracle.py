"""The likelihood fit of one pixel's ramps with whole matrices: covariances read by read, searches by trying all."""

import math

import numpy as np

DO_NOT_USE, SATURATED, JUMP_DET, NO_GAIN_VALUE = 1, 2, 4, 1 << 19


def covariance(times, photons, reading):
    """Covariance of differences of group means: reads s and t share the photons of min(s, t) seconds, but no noise."""
    groups = np.zeros((len(times), len(times)))
    for i, first in enumerate(times):
        for j, second in enumerate(times):
            groups[i, j] = photons * np.mean([[min(s, t) for t in second] for s in first])
        groups[i, i] += reading / len(first)
    difference = np.diff(np.eye(len(times)), axis=0)
    return difference @ groups @ difference.T


def line(steps, intervals, matrix, used):
    """Slope, its variance, chi-square and weights of the used differences alone."""
    t, d, inverse = intervals[used], steps[used], np.linalg.inv(matrix[np.ix_(used, used)])
    information = t @ inverse @ t
    weights = inverse @ t / information
    slope = weights @ d
    residual = d - slope * t
    return slope, 1 / information, residual @ inverse @ residual, weights


def without_jumps(steps, intervals, matrix, used, pairs):
    """Leave jumps out of ``used``, a list of differences; ``pairs`` are the first ones of two that may go together."""
    used = list(used)
    while len(used) > 1:
        chi = line(steps, intervals, matrix, used)[2] if len(used) > 1 else 0.0
        tried = {(k,): 20.25 for k in used}
        tried |= {(k, k + 1): 23.8 for k in pairs if len(used) > 2 and k in used and k + 1 in used}
        gains = {}
        for out in tried:
            rest = [k for k in used if k not in out]
            gains[out] = chi - line(steps, intervals, matrix, rest)[2]
        best = {n: max((g for o, g in gains.items() if len(o) == n), default=0.0) for n in (1, 2)}
        n = 1 if best[1] - 20.25 > best[2] - 23.8 else 2
        if best[n] <= (20.25, 23.8)[n - 1]:
            break
        equal = [o for o, g in gains.items() if len(o) == n and g >= best[n] * (1 - 1e-7)]
        out = max(equal, key=lambda o: sum(steps[k] / intervals[k] for k in o))
        used = [k for k in used if k not in out]
        if len(used) <= 3:
            break
    return used


def fit_integration(y, q, pixeldq, readnoise, gain, times, dark=0.0, zero=None):
    """Dictionary of the results of one ramp."""
    y, q = y.astype(float), [int(f) for f in q]
    if zero is not None:
        reads = len(times[0])
        first = math.nan if zero == 0 else float(zero)
        y = np.array([first, (y[0] * reads - first) / (reads - 1), *y[1:]])
        q, times = [q[0], *q], [times[0][:1], times[0][1:], *times[1:]]
    q = [f if np.isfinite(v) else f | DO_NOT_USE for f, v in zip(q, y, strict=True)]
    mean = np.array([np.mean(t) for t in times])
    steps, intervals = np.diff(y), np.diff(mean)
    used = [k for k in range(len(steps)) if q[k] == q[k + 1] == 0]
    reading, gain_ok = readnoise**2 / 2, gain > 0
    dq = (
        int(pixeldq)
        | (SATURATED if any(f & SATURATED for f in q) else 0)
        | (JUMP_DET if any(f & JUMP_DET for f in q) else 0)
    )
    dq |= DO_NOT_USE if all(f & (SATURATED | DO_NOT_USE) for f in q) else 0
    dq |= 0 if gain_ok else NO_GAIN_VALUE | DO_NOT_USE
    dq |= DO_NOT_USE if np.isnan(readnoise) else 0
    nothing = dict.fromkeys(("slope", "var_poisson", "var_rnoise", "err", "chi_square"), math.nan)
    if not used or not gain_ok or np.isnan(readnoise):
        return nothing | {"dq": dq}
    rates = (steps / intervals)[~np.isnan(steps)]
    matrix = covariance(times, max(np.median(rates), 0) / gain, reading)
    pairs = [k for k in range(len(steps) - 1) if len(times[k + 1]) > 1]
    kept = without_jumps(steps, intervals, matrix, used, pairs)
    dq |= JUMP_DET if len(kept) < len(used) else 0
    photons = (max(line(steps, intervals, matrix, kept)[0], 0) + dark) / gain
    slope, variance, chi, weights = line(steps, intervals, covariance(times, photons, reading), kept)
    shares = [covariance(times, *noise)[np.ix_(kept, kept)] for noise in ((photons, 0.0), (0.0, reading))]
    var_poisson, var_rnoise = (weights @ share @ weights for share in shares)
    found = {"slope": slope, "var_poisson": var_poisson, "var_rnoise": var_rnoise, "err": math.sqrt(variance)}
    return found | {"chi_square": chi, "dq": dq}


def combined(integrations):
    """The exposure's results from those of several integrations."""
    dq = np.bitwise_or.reduce([i["dq"] for i in integrations])
    if not all(i["dq"] & DO_NOT_USE for i in integrations):
        dq &= ~DO_NOT_USE
    fitted = [i for i in integrations if not np.isnan(i["slope"])]
    nothing = dict.fromkeys(("slope", "var_poisson", "var_rnoise", "err"), math.nan)
    if not fitted:
        return nothing | {"dq": dq}
    slope = np.median([i["slope"] for i in fitted])
    for _ in range(2):
        scaled = [i["var_poisson"] * max(slope / i["slope"], 0) for i in fitted]
        weights = np.array([1 / (v + i["var_rnoise"]) for v, i in zip(scaled, fitted, strict=True)])
        weights /= weights.sum()
        slope = sum(w * i["slope"] for w, i in zip(weights, fitted, strict=True))
    var_poisson = sum(w * w * v for w, v in zip(weights, scaled, strict=True))
    var_rnoise = sum(w * w * i["var_rnoise"] for w, i in zip(weights, fitted, strict=True))
    found = {"slope": slope, "var_poisson": var_poisson, "var_rnoise": var_rnoise}
    return found | {"err": math.sqrt(var_poisson + var_rnoise), "dq": dq}
