"""Slopes of highest likelihood from differences, and their variances."""

from collections.abc import Sequence
from dataclasses import dataclass

from gpipe.arrays import Array, Namespace
from gpipe.ramp_fitting.likely_covariance import Covariance, Noise, eliminate, solve
from gpipe.ramp_fitting.reads import Reads


@dataclass(frozen=True)
class Slopes:
    """Fitted slopes, DN/s; NaN where no difference is used or the covariance is not positive.

    Attributes
    ----------
    value : a.
    information : C, so that 1 / C is the variance of the slope.
    weights : Σ^-1 t, one plane a difference; a = Σ_k weight_k difference_k / C.
    residuals : difference less slope times interval, DN; 0 for differences that are not used.
    """

    value: Array
    information: Array
    weights: Sequence[Array]
    residuals: Sequence[Array]


def fit_slopes(
    steps: Sequence[Array], used: Sequence[Array], matrix: Covariance, reads: Reads, *, xp: Namespace
) -> Slopes:
    """Generalized least squares: a = t^T Σ^-1 d / t^T Σ^-1 t (Brandt 2024, PASP 136, 045004, eqs. 50 to 57).

    Parameters
    ----------
    steps : float32, DN, d: differences of groups, one plane each, finite.
    used : float32, 1 for a difference that is used, else 0.
    reads : their intervals are t.
    """
    intervals = [seconds * use for seconds, use in zip(reads.intervals, used, strict=True)]
    weights = solve(matrix, intervals)
    signal, information = weights[0] * steps[0] * used[0], weights[0] * intervals[0]
    for k in range(1, len(steps)):
        signal = signal + weights[k] * (steps[k] * used[k])
        information = information + weights[k] * intervals[k]
    information = xp.where(information > 0, information, xp.nan)
    value = signal / information
    residuals = [(steps[k] * used[k]) - value * intervals[k] for k in range(len(steps))]
    return Slopes(value, information, weights, residuals)


def chi_square(slopes: Slopes, matrix: Covariance) -> Array:
    """r^T Σ^-1 r of the residuals r."""
    total = 0.0
    for residual, inverse_pivot in zip(eliminate(matrix, slopes.residuals), matrix.inverse_pivots, strict=True):
        total = total + residual * residual * inverse_pivot
    return total


def photon_variance(slopes: Slopes, noise: Noise, reads: Reads) -> Array:
    """Share of the photons in the variance of the slopes, (DN/s)^2."""
    total = 0.0
    for weight, seconds in zip(slopes.weights, reads.photon_variances, strict=True):
        total = total + seconds * weight * weight
    for k, seconds in enumerate(reads.photon_covariances):
        if seconds:
            total = total + 2.0 * seconds * slopes.weights[k] * slopes.weights[k + 1]
    return total * noise.photons / slopes.information / slopes.information


def read_variance(slopes: Slopes, noise: Noise, reads: Reads) -> Array:
    """Share of the read noise in the variance of the slopes, (DN/s)^2: the noise of each group times its weight."""
    before, total = 0.0, 0.0
    for weight, count in zip([*slopes.weights, 0.0], reads.count, strict=True):
        of_group = before - weight
        total = total + of_group * of_group / count
        before = weight
    return total * noise.reading / slopes.information / slopes.information
