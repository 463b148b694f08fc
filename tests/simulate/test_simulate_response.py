import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gpipe.simulate.response import invert_response, linearize

COEFFICIENTS = np.float32([0, 1, 1.2e-6, 4e-12, 3e-17])[:, np.newaxis, np.newaxis]


@given(st.floats(0, 70_000, width=32), st.floats(0.5, 1.5, width=32))
def test_the_response_undoes_the_correction(measured, bend):
    coefficients = COEFFICIENTS * np.float32([1, 1, bend, bend, bend])[:, np.newaxis, np.newaxis]
    x = np.full((1, 1), measured, dtype=np.float32)
    np.testing.assert_allclose(invert_response(linearize(x, coefficients), coefficients), x, rtol=5e-7, atol=1e-3)


def test_the_polynomial_is_that_of_ascending_powers():
    x = np.float32([[3.0, -2.0]])
    coefficients = np.float32([5, 1, 0.25, -0.5])[:, np.newaxis, np.newaxis] * np.ones((1, 1, 2), np.float32)
    slow = [sum(c * v**power for power, c in enumerate((5, 1, 0.25, -0.5))) for v in (3.0, -2.0)]
    np.testing.assert_allclose(linearize(x, coefficients)[0], slow)


def test_a_bent_response_shows_less_than_a_linear_one():
    linear = np.float32([[40_000]])
    seen = invert_response(linear, COEFFICIENTS)
    assert 0.9 * linear < seen < 0.97 * linear
    assert seen.dtype == np.float32
