"""The tridiagonal covariance against whole matrices."""

import numpy as np
import pytest
from array_api_compat import array_namespace
from helpers.likely_oracle import covariance as dense
from helpers.likely_regimes import UNEVEN, times_of

from gpipe.ramp_fitting.likely_covariance import Noise, covariance, eliminate, inverse_elements, solve
from gpipe.ramp_fitting.reads import Reads

PATTERNS = {"single": times_of(7, 1), "averaged": times_of(6, 4, 1), "uneven": UNEVEN}


def divided(right, used, photons, reading, reads):
    """Σ^-1 times a vector, r^T Σ^-1 r, and the elements of Σ^-1 on and beside the diagonal; (difference, pixel)."""
    xp = array_namespace(right)
    planes = [[x[k, ...] for k in range(x.shape[0])] for x in (right, used)]
    matrix = covariance(planes[1], Noise(photons, reading), reads, xp=xp)
    squares = xp.stack([r * r * d for r, d in zip(eliminate(matrix, planes[0]), matrix.inverse_pivots, strict=True)])
    diagonal, beside = inverse_elements(matrix, xp=xp)
    return xp.stack(solve(matrix, planes[0])), xp.sum(squares, axis=0), xp.stack(diagonal), xp.stack(beside)


def expected(right, used, photons, reading, times):
    on = used > 0
    matrix = dense(times, photons, reading)
    matrix = np.where(np.eye(len(on), dtype=bool) | np.outer(on, on), matrix, 0)
    inverse = np.linalg.inv(matrix)
    return inverse @ right, right @ inverse @ right, np.diag(inverse), np.diag(inverse, 1)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_equals_whole_matrices(library, rng, pattern):
    times, pixels = PATTERNS[pattern], 40
    n = len(times) - 1
    right, used = rng.normal(size=(n, pixels)), (rng.random((n, pixels)) < 0.8) * 1.0
    photons, reading = 10 ** rng.uniform(-3, 3, pixels), rng.uniform(1, 900, pixels)
    photons[:5], reading[5:10] = 0, 0
    arrays = [x.astype(np.float32) for x in (right, used, photons, reading)]
    out = library.run(divided, *arrays, Reads.at(times))
    assert all(x.dtype == np.float32 for x in out)
    for i in range(pixels):
        for found, theirs in zip(out, expected(*(x[..., i].astype(float) for x in arrays), times), strict=True):
            scale = np.max(np.abs(theirs))
            np.testing.assert_allclose(found[..., i], theirs, rtol=1e-4, atol=1e-5 * scale)


def test_long_faint_ramps_keep_their_digits_in_float32():
    n = 200
    used, ones = np.ones((n, 1), np.float32), np.ones(1, np.float32)
    x, _, diagonal, _ = divided(used, used, 1e-6 * ones, 50 * ones, Reads.at(times_of(n + 1, 1)))
    theirs = expected(used[:, 0].astype(float), used[:, 0], 1e-6, 50.0, times_of(n + 1, 1))
    np.testing.assert_allclose(x[:, 0], theirs[0], rtol=3e-5)
    np.testing.assert_allclose(diagonal[:, 0], theirs[2], rtol=3e-5)


def test_no_noise_is_no_answer():
    one = np.ones((3, 1), np.float32)
    out = divided(one, one, 0 * one[0], 0 * one[0], Reads.at(times_of(4, 1)))
    assert all(np.isnan(x).all() for x in out)
