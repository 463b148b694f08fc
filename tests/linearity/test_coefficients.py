import numpy as np
import pytest

from gpipe import dq
from gpipe.linearity.coefficients import evaluate, usable_polynomial


def test_horner_against_powers(library, rng):
    coeffs = rng.normal(size=(5, 3, 4)).astype(np.float32)
    x = rng.uniform(-2, 2, (2, 3, 4)).astype(np.float32)
    expected = sum(coeffs[k].astype(float) * x.astype(float) ** k for k in range(5))
    out = library.run(evaluate, coeffs, x)
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-5)
    assert out.dtype == np.float32


def test_pixels_without_a_correction_get_the_identity(library):
    coeffs = np.tile(np.array([1, 2, 3], dtype=np.float32)[:, None, None], (1, 1, 5))
    coeffs[2, 0, 1] = np.nan
    coeffs[1, 0, 2] = 0
    coeffs[:, 0, 4] = np.nan
    flags = np.array([[dq.DEAD, 0, 0, dq.NO_LIN_CORR, dq.NO_LIN_CORR]], dtype=np.uint32)
    out = library.run(usable_polynomial, coeffs, flags)
    np.testing.assert_array_equal(out.coeffs[:, 0, 0], [1, 2, 3])
    np.testing.assert_array_equal(out.coeffs[:, 0, 1:], np.array([[0] * 4, [1] * 4, [0] * 4]))
    np.testing.assert_array_equal(out.unusable, [[False, True, True, False, False]])
    assert out.coeffs.dtype == np.float32


def test_a_constant_is_no_linearity_polynomial():
    with pytest.raises(ValueError, match="at least 2"):
        usable_polynomial(np.ones((1, 2, 2), np.float32), np.zeros((2, 2), np.uint32))
