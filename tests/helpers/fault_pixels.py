"""Pixels in which jwst 3.0.0 has a fault that gpipe does not have; parity tests leave out these, by their names.

Each is a row of the tables in docs/differences.md. Masks are bool, (row, column), or of the shape of the rates.
"""

import numpy as np

DO_NOT_USE, SATURATED, JUMP_DET, PERSISTENCE = 1, 2, 4, 32
LARGE_VARIANCE = 1e6  # (DN/s)^2, from which on jwst reports a variance as 0
LARGEST = 1e8  # of a gain or a read noise


def large_variance(ours, *theirs):
    """Rates of which jwst reports some of ``theirs``, variances and errors, as 0 because a variance is large."""
    largest = np.fmax.reduce([ours.var_poisson, ours.var_rnoise, ours.err**2])
    return (largest > 0.999 * LARGE_VARIANCE) & np.any([plane == 0 for plane in theirs], axis=0)


def unknown_noise(ramps):
    """Pixels whose read noise or dark current is unknown, and whose rate jwst does not flag."""
    readnoise, gain, dark = ramps["readnoise"], ramps["gain"], ramps.get("dark_current")
    known = (readnoise > 0) & (readnoise < LARGEST) & ~(gain >= LARGEST)
    return ~known if dark is None else ~(known & np.isfinite(dark))


def negative_dark(ramps):
    """Pixels whose dark current is below 0: jwst lets it make the photon noise negative, and the error NaN."""
    dark = ramps.get("dark_current")
    return np.False_ if dark is None else dark < 0


def integration_without_a_rate(data, groupdq, *, suppress=True):
    """Pixels with an integration without a usable difference: jwst counts it as a rate of 0, or of the first group.

    If that is the only group, and not suppressed, it counts in gpipe, too.
    """
    finite = np.isfinite(data)
    usable, good = (
        ((groupdq & (DO_NOT_USE | SATURATED)) == 0) & finite,
        ((groupdq & (0xFF ^ PERSISTENCE)) == 0) & finite,
    )
    if data.shape[1] == 1:
        return ~usable.all(axis=(0, 1))
    steps = usable[:, :-1] & usable[:, 1:] & ((groupdq[:, 1:] & JUMP_DET) == 0)
    lacking = ~steps.any(axis=1)
    suppressed = np.count_nonzero(good, axis=1) == 1
    flagless = (groupdq == 0) & finite
    only_first = flagless[:, 0] & ~flagless[:, 1:].any(axis=1)
    return (lacking | suppressed if suppress else lacking & ~only_first).any(axis=0)


def integration_void(dq):
    """The same by the flags of rates, uint32 (integration, row, column)."""
    return ((dq & DO_NOT_USE) != 0).any(axis=0)


def unknown_reference(*planes):
    """Pixels of which a plane (…, row, column) is not finite: jwst takes 0 for it and has no flag."""
    return np.any([~np.isfinite(plane).reshape(-1, *plane.shape[-2:]).all(axis=0) for plane in planes], axis=0)
