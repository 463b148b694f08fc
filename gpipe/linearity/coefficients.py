"""Coefficients of linearity polynomials, made safe to use."""

from dataclasses import dataclass

from array_api_compat import array_namespace

from gpipe import dq
from gpipe.arrays import Array


@dataclass(frozen=True)
class Polynomial:
    """A polynomial for each pixel.

    Attributes
    ----------
    coeffs : float32, (power, row, column): ``p(S) = sum over k of coeffs[k] S^k``.
    unusable : bool, (row, column): pixels whose coefficients were unknown, so that ``p(S) = S``.
    """

    coeffs: Array
    unusable: Array


def usable_polynomial(coeffs: Array, coeffs_dq: Array) -> Polynomial:
    """Replace the coefficients of a pixel by those of ``p(S) = S`` where no correction is known.

    No correction is known where ``coeffs_dq`` has NO_LIN_CORR, where any coefficient is NaN, and where the linear
    coefficient is 0. ``unusable`` marks the last two: those that the reference itself does not flag.

    Parameters
    ----------
    coeffs : float32, (power, row, column), at least two powers.
    coeffs_dq : uint32, (row, column).
    """
    xp = array_namespace(coeffs, coeffs_dq)
    if coeffs.shape[0] < 2:
        raise ValueError(f"a linearity polynomial has at least 2 coefficients, found {coeffs.shape[0]}")
    flagged = (coeffs_dq & dq.NO_LIN_CORR) != 0
    missing = xp.any(xp.isnan(coeffs), axis=0) | (coeffs[1, ...] == 0)
    benign = flagged | missing
    out = xp.where(benign, 0.0, coeffs)
    out[1, ...] = xp.where(benign, 1.0, coeffs[1, ...])
    return Polynomial(coeffs=out, unusable=missing & ~flagged)


def evaluate(coeffs: Array, x: Array) -> Array:
    """The polynomial's value by Horner's rule.

    Parameters
    ----------
    coeffs : float32, (power, row, column).
    x : float32, (…, row, column); the result is alike.
    """
    value = coeffs[-1, ...] * x
    for power in range(coeffs.shape[0] - 2, 0, -1):
        value += coeffs[power, ...]
        value *= x
    value += coeffs[0, ...]
    return value
