"""The covariance of a ramp's differences, and how to divide by it.

Neighbouring differences share a group, so the matrix Σ is tridiagonal. It is factorised from both ends in a form whose
terms are sums of positive numbers, which float32 carries: written as |coupling| + excess, a pivot's excess is its row's
sum plus a share of the excess before. In the usual form the pivots of a ramp limited by read noise, 2 - 1 / pivot, lose
the digits that the slope depends on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gpipe.arrays import Array, Namespace
from gpipe.ramp_fitting.reads import Reads


@dataclass(frozen=True)
class Noise:
    """Noise of a pixel: ``photons``, variance of its signal per second, DN^2/s; ``reading``, of one read, DN^2."""

    photons: Array
    reading: Array


@dataclass(frozen=True)
class Covariance:
    """Factorised covariance of differences; a list holds a plane for each difference, or for each two neighbours.

    Attributes
    ----------
    couplings : covariance of difference k and k + 1; 0 where one of them is not used.
    sums : of the absolute values in a row, the diagonal counted positive, all others negative.
    inverse_pivots : 1 / D_k of Σ = L D L^T; NaN where Σ is not positive.
    ratios : couplings / pivots, the elements of L.
    from_before : what elimination of all earlier differences adds to ``sums``.
    """

    couplings: Sequence[Array]
    sums: Sequence[Array]
    inverse_pivots: Sequence[Array]
    ratios: Sequence[Array]
    from_before: Sequence[Array]


def covariance(used: Sequence[Array], noise: Noise, reads: Reads, *, xp: Namespace) -> Covariance:
    """Covariance of the differences of a ramp (Brandt 2024, PASP 136, 045004, eqs. 28 to 40).

    Differences that are not used do not correlate with others.

    Parameters
    ----------
    used : float32, 1 for a difference that is used, else 0; one plane a difference.
    """
    couplings, absolute, ends = _couplings(used, noise, reads, xp=xp)
    zero = xp.zeros_like(used[0])
    outer = [noise.reading / reads.count[0] + zero, *ends, noise.reading / reads.count[-1] + zero]
    sums, inverse_pivots, ratios, from_before = [], [], [], [zero]
    for k, seconds in enumerate(reads.photon_variances):
        sums.append(seconds * noise.photons + (outer[k] + outer[k + 1]))
        excess = sums[k] + from_before[k]
        if k == len(couplings):
            inverse_pivots.append(_inverse(excess, xp=xp))
            break
        inverse_pivots.append(_inverse(excess + absolute[k], xp=xp))
        ratios.append(couplings[k] * inverse_pivots[k])
        from_before.append(absolute[k] * (excess * inverse_pivots[k]))
    return Covariance(couplings, sums, inverse_pivots, ratios, from_before)


def _couplings(
    used: Sequence[Array], noise: Noise, reads: Reads, *, xp: Namespace
) -> tuple[list[Array], list[Array], list[Array]]:
    """Couplings, their absolute values, and for each shared group its read-noise variance less the latter."""
    couplings, absolute, ends = [], [], []
    for k, seconds in enumerate(reads.photon_covariances):
        both = used[k] * used[k + 1]
        reading = noise.reading / reads.count[k + 1]
        if seconds == 0:
            absolute.append(both * reading)
            couplings.append(-absolute[k])
            ends.append((1.0 - both) * reading)
            continue
        photons = seconds * noise.photons
        coupling = photons - reading
        couplings.append(both * coupling)
        absolute.append(xp.abs(couplings[k]))
        surplus = xp.where(coupling > 0, 2.0 * coupling, 0.0)
        ends.append((1.0 - both) * reading + both * (photons - surplus))
    return couplings, absolute, ends


def solve(matrix: Covariance, right: Sequence[Array]) -> list[Array]:
    """Σ^-1 times a vector, one plane a difference."""
    eliminated = eliminate(matrix, right)
    solution = [eliminated[-1] * matrix.inverse_pivots[-1]]
    for k in range(len(right) - 2, -1, -1):
        solution.append(eliminated[k] * matrix.inverse_pivots[k] - matrix.ratios[k] * solution[-1])
    return solution[::-1]


def eliminate(matrix: Covariance, right: Sequence[Array]) -> list[Array]:
    """L^-1 times a vector: uncorrelated numbers, of variance D_k for differences."""
    eliminated = [right[0]]
    for k in range(1, len(right)):
        eliminated.append(right[k] - matrix.ratios[k - 1] * eliminated[-1])
    return eliminated


def inverse_elements(matrix: Covariance, *, xp: Namespace) -> tuple[list[Array], list[Array]]:
    """The diagonal of Σ^-1 and the elements beside it (k, k + 1)."""
    last = len(matrix.sums) - 1
    from_after = xp.zeros_like(matrix.sums[0])
    diagonal: list[Array] = []
    for k in range(last, -1, -1):
        diagonal.append(_inverse(matrix.sums[k] + matrix.from_before[k] + from_after, xp=xp))
        if k:
            excess = matrix.sums[k] + from_after
            coupling = xp.abs(matrix.couplings[k - 1])
            from_after = coupling * (excess * _inverse(excess + coupling, xp=xp))
    diagonal = diagonal[::-1]
    return diagonal, [-matrix.ratios[k] * diagonal[k + 1] for k in range(last)]


def _inverse(x: Array, *, xp: Namespace) -> Array:
    """1 / x; NaN where x is not positive."""
    return 1.0 / xp.where(x > 0, x, xp.nan)
