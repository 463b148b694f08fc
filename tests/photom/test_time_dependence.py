import math

import numpy as np
import pytest

from gpipe.photom import time_dependence
from gpipe.photom.time_dependence import LAWS, exponential, linear, powerlaw, throughput

T0, TIME = np.array([59000.0, 59500.0]), 60095.0


def test_linear(library):
    coefficients = T0.astype(np.float32), np.array([0.01, 0.02], np.float32)
    out = library.run(lambda t0, loss: linear(TIME, t0, loss), *coefficients)
    np.testing.assert_allclose(out, [1 - 0.01 * 1095 / 365, 1 - 0.02 * 595 / 365], rtol=1e-6)


def test_exponential():
    out = exponential(TIME, T0, np.array([0.3, 0.2]), np.array([200.0, 100.0]), np.array([0.7, 0.8]))
    np.testing.assert_allclose(out, [0.3 * math.exp(-1095 / 200) + 0.7, 0.2 * math.exp(-595 / 100) + 0.8])


def test_powerlaw_is_that_of_a_year_after_a_year():
    out = powerlaw(T0[0] + 365, T0[:1], np.array([0.8]), np.array([3.0]), np.array([-0.4]))
    np.testing.assert_allclose(out, 0.8)
    out = powerlaw(TIME, T0[:1], np.array([0.8]), np.array([3.0]), np.array([-0.4]))
    np.testing.assert_allclose(out, 0.8 * ((1095 + 3) / (365 + 3)) ** -0.4)


def test_bounded():
    np.testing.assert_array_equal(linear(TIME, T0, np.array([-1.0, 0.1]), bounded=True)[0], 1.0)
    assert linear(TIME, T0, np.array([-1.0, 0.1]), bounded=True)[1] < 1


@pytest.mark.parametrize("names", [(), tuple(LAWS)[:1], tuple(LAWS)])
def test_laws_are_multiplied(names, rng):
    tables = {name: {column: rng.uniform(1, 2, 3) for column in LAWS[name][1]} for name in names}
    expected = 1.0
    for name in names:
        law = getattr(time_dependence, name.removeprefix("timecoeff_"))
        expected *= law(5.0, *tables[name].values())[1]
    assert throughput(5.0, tables, 1) == pytest.approx(expected)
