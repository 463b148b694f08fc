"""Non-linear response: the inverse of the polynomial that the linearity step applies."""

import numpy as np

_NEWTON_STEPS = 2


def linearize(measured: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """P(x) = c0 + c1 x + ... + cn x^n, by Horner's rule; ``coefficients`` is (power, row, column)."""
    result = coefficients[-1] * measured
    for coefficient in coefficients[-2:0:-1]:
        result += coefficient
        result *= measured
    result += coefficients[0]
    return result


def invert_response(linear: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """The x with P(x) = ``linear``: what a pixel shows when a linear one would show ``linear`` (DN, bias removed).

    Newton's method from the reversed series, x = y - c2 y^2 + (2 c2^2 - c3) y^3. Needs c0 = 0 and c1 = 1, as
    references of JWST near-infrared detectors have them. float32 (row, column); good to a few units in the last place.
    """
    quadratic, cubic = coefficients[2], coefficients[3]
    x = linear * (1 - linear * (quadratic - linear * (2 * quadratic * quadratic - cubic)))
    for _ in range(_NEWTON_STEPS):
        x -= (linearize(x, coefficients) - linear) / _slope(x, coefficients)
    return x


def _slope(x: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """dP/dx."""
    degree = len(coefficients) - 1
    result = degree * coefficients[degree] * x
    for power in range(degree - 1, 1, -1):
        result += power * coefficients[power]
        result *= x
    result += coefficients[1]
    return result
