"""Weights and their tables against the formulas, one segment at a time."""

import numpy as np
import pytest
from array_api_compat import array_namespace, device

from gpipe.ramp_fitting.weights import (
    EXPONENTS,
    SIGNAL_TO_NOISE,
    exponent_index,
    level_coefficients,
    signal_limits,
    step_coefficients,
    table_index,
    weight_sums,
)

GROUPS = 9


def tables(x, groups):
    """All tables, made where ``x`` lives."""
    how = {"dtype": x.dtype, "device": device(x), "xp": array_namespace(x)}
    return step_coefficients(groups, **how), level_coefficients(groups, **how), *weight_sums(groups, **how)


def weights(power, n):
    i = np.arange(n)
    return np.abs((i - (n - 1) / 2) / ((n - 1) / 2)) ** power


def test_slopes_and_means_of_segments(library, rng):
    slopes, levels, plain, square = library.run(tables, np.zeros(1, np.float32), GROUPS)
    assert slopes.dtype == levels.dtype == np.float32
    for p, power in enumerate(EXPONENTS):
        for n in range(2, GROUPS + 1):
            y, w = rng.normal(size=n), weights(power, n)
            expected, level = np.polyfit(np.arange(n), y, 1, w=np.sqrt(w)), np.average(y, weights=w)
            first = (p * (GROUPS + 1) + n) * (GROUPS + 1)
            d, m = slopes[first : first + n + 1], levels[first : first + n + 1]
            assert (d[:2] == 0).all()
            assert (m[:2] == 0).all()
            assert d[2:] @ np.diff(y) / (n**3 - n) == pytest.approx(expected[0], rel=1e-4, abs=1e-5)
            assert y[0] + m[2:] @ np.diff(y) == pytest.approx(level, rel=1e-4, abs=1e-5)
            row = p * (GROUPS + 1) + n
            assert plain[row] == pytest.approx(w.sum(), rel=1e-5)
            assert square[row] == pytest.approx((w * (np.arange(n) - (n - 1) / 2) ** 2).sum(), rel=1e-5)


@pytest.mark.parametrize("groups", [5, 104, 105, 300])
def test_index_is_that_of_the_table_for_short_and_long_ramps(groups):
    p, n, j = np.uint8(5), np.uint16(groups), np.uint16(groups - 1)
    index = table_index(np.full(1, p), np.full(1, n), np.full(1, j), groups, xp=array_namespace(np.zeros(1)))
    assert int(index[0]) == (5 * (groups + 1) + groups) * (groups + 1) + groups - 1


def exponents_of(rise, readnoise, gain):
    xp = array_namespace(rise, readnoise, gain)
    return exponent_index(rise, signal_limits(readnoise, gain, xp=xp), xp=xp)


def test_exponent_of_the_signal_to_noise_ratio(library, rng):
    gain, noise = rng.uniform(1, 3, 400).astype(np.float32), rng.uniform(1, 40, 400).astype(np.float32)
    rise = (10 ** rng.uniform(0, 4.5, 400)).astype(np.float32)
    rise[:3] = 0, -50, -1e6
    noise[5] = np.nan
    found = library.run(exponents_of, rise, noise, gain)
    electrons = rise.astype(float) * gain
    with np.errstate(invalid="ignore"):
        ratio = np.where(electrons > 0, electrons / np.sqrt(noise**2 + electrons), 0)
    expected = np.searchsorted(SIGNAL_TO_NOISE, ratio, side="right")
    np.testing.assert_array_equal(found, expected)
    assert set(found.tolist()) == set(range(len(EXPONENTS)))
