"""Optimal weights of the groups of a segment, as coefficients of the steps between groups."""

from typing import Any

from array_api_compat import device

from gpipe.arrays import Array, Namespace, accumulator_dtype

# Fixsen et al. 2000, PASP 112, 1350, table 1: the exponent from this signal-to-noise ratio on.
SIGNAL_TO_NOISE = (5.0, 10.0, 20.0, 50.0, 100.0)
EXPONENTS = (0.0, 0.4, 1.0, 3.0, 6.0, 10.0)


def signal_limits(readnoise: Array, gain: Array, *, xp: Namespace) -> list[Array]:
    """Rise of a segment, last minus first group, at which the next exponent takes over.

    A rise of D leads to a signal-to-noise ratio of D g / sqrt(R^2 + D g); solved for D, a ratio of S needs
    D = (S^2 + S sqrt(S^2 + 4 R^2)) / (2 g).

    Parameters
    ----------
    readnoise : float32, (row, column), R in electrons.
    gain : float32, (row, column), g in electrons / DN, positive.

    Returns
    -------
    One float32 plane (row, column) in DN for each element of ``SIGNAL_TO_NOISE``.
    """
    four_variances = 4.0 * readnoise * readnoise
    return [(0.5 * s * s + 0.5 * s * xp.sqrt(s * s + four_variances)) / gain for s in SIGNAL_TO_NOISE]


def exponent_index(rise: Array, limits: list[Array], *, xp: Namespace) -> Array:
    """Index into ``EXPONENTS`` for the rise of a segment in DN, uint8; the last one where the limits are NaN."""
    below = xp.astype(rise < limits[0], xp.uint8)
    for limit in limits[1:]:
        below = below + xp.astype(rise < limit, xp.uint8)
    return len(limits) - below


def step_coefficients(groups: int, *, dtype: Any, device: Any, xp: Namespace) -> Array:
    """Least-squares slopes of segments as sums over their steps, for every exponent, length and place.

    With weights w_i = |(i - m) / m|^P about the middle m = (n - 1) / 2 of the groups i = 0 … n-1, the slope is
    Σ w_i (i - m) y_i / Σ w_i (i - m)^2. Written as Σ_k D_k (y_k - y_{k-1}), with D_k the sum of the coefficients of
    all groups from k on, it needs no sums of large numbers. All D are multiplied by n^3 - n, which is proportional to
    the inverse of the read-noise variance of the slope, so that the terms of all segments of a ramp can be added up.

    Returns
    -------
    Flat table; the element for exponent p, length n and the step to the segment's group j (from 1) is at
    ``table_index(p, n, j, groups)``. It is 0 for j = 0.
    """
    tables = []
    for exponent in EXPONENTS:
        n, offset, weight = _weights(exponent, groups, dtype=dtype, device=device, xp=xp)
        moment = weight * offset
        norm = xp.sum(moment * offset, axis=1, keepdims=True)
        tables.append(_onto_steps(moment / xp.where(norm > 0, norm, 1.0), xp=xp) * (n * n * n - n))
    return xp.astype(xp.reshape(xp.stack(tables), (-1,)), dtype)


def level_coefficients(groups: int, *, dtype: Any, device: Any, xp: Namespace) -> Array:
    """The weighted mean of a segment less its first group, as a sum over steps; a table like ``step_coefficients``."""
    tables = []
    for exponent in EXPONENTS:
        _, _, weight = _weights(exponent, groups, dtype=dtype, device=device, xp=xp)
        norm = xp.sum(weight, axis=1, keepdims=True)
        tables.append(_onto_steps(weight / xp.where(norm > 0, norm, 1.0), xp=xp))
    return xp.astype(xp.reshape(xp.stack(tables), (-1,)), dtype)


def weight_sums(groups: int, *, dtype: Any, device: Any, xp: Namespace) -> tuple[Array, Array]:
    """Flat tables of Σ w_i and Σ w_i (i - m)^2 at ``p (groups + 1) + n``; 1 for lengths that no segment has."""
    plain, square = [], []
    for exponent in EXPONENTS:
        n, offset, weight = _weights(exponent, groups, dtype=dtype, device=device, xp=xp)
        real = n[:, 0] > 1
        plain.append(xp.where(real, xp.sum(weight, axis=1), 1.0))
        square.append(xp.where(real, xp.sum(weight * offset * offset, axis=1), 1.0))
    return xp.astype(xp.concat(plain), dtype), xp.astype(xp.concat(square), dtype)


def table_index(exponent: Array, length: Array, place: Array, groups: int, *, xp: Namespace) -> Array:
    """Return the index of a step's coefficient in ``step_coefficients``."""
    size = groups + 1
    dtype = xp.uint16 if len(EXPONENTS) * size * size < 1 << 16 else xp.int32
    row = xp.astype(exponent, dtype) * size + xp.astype(length, dtype)
    return row * size + xp.astype(place, dtype)


def look_up(table: Array, index: Array, *, xp: Namespace) -> Array:
    """Elements of a flat table for an index of any shape."""
    return xp.reshape(xp.take(table, xp.reshape(index, (-1,))), index.shape)


def _weights(exponent: float, groups: int, *, dtype: Any, device: Any, xp: Namespace) -> tuple[Array, Array, Array]:
    """Lengths n as a column, i - m and w_i of group i (along rows); the weights are 0 outside of the segment."""
    accurate = accumulator_dtype(xp.empty(0, dtype=dtype, device=device), xp=xp)
    number = xp.arange(groups + 1, dtype=accurate, device=device)
    n, i = number[:, None], number[None, :]
    middle = 0.5 * (n - 1.0)
    offset = i - middle
    distance = xp.abs(offset) / xp.where(n > 1, middle, 1.0)
    inside = (i < n) & (n > 1)
    return n, offset, xp.where(inside, distance, 0.0) ** exponent * xp.astype(inside, accurate)


def _onto_steps(coefficients: Array, *, xp: Namespace) -> Array:
    """Turn coefficients of groups i into those of the steps to group j, from 1: their sums over i >= j - 1."""
    size = coefficients.shape[0]
    number = xp.arange(size, dtype=coefficients.dtype, device=device(coefficients))
    n, j = number[:, None], number[None, :]
    later = xp.sum(coefficients, axis=1, keepdims=True) - xp.cumulative_sum(coefficients, axis=1)
    shifted = xp.concat((xp.zeros_like(later), later), axis=1)[:, size - 2 : 2 * size - 2]
    return xp.where((j >= 2) & (j <= n), shifted, 0.0)
