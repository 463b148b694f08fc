"""The numba kernel of averaged darks beside the portable function, whose numbers it repeats bit by bit."""

import numpy as np
import pytest

from gpipe.backends import kernels
from gpipe.dark_current import dark_sub

pytest.importorskip("numba")
average_dark = kernels.find(dark_sub.average_dark, kernels.CPU)


def frames(shape, seed=1):
    rng = np.random.default_rng(seed)
    values = rng.normal(10, 300, shape).astype(np.float32)
    values[rng.random(shape) < 0.1] = np.nan
    return values


@pytest.mark.parametrize("shape", [(1, 3, 5), (4, 7, 2048), (9, 2, 33), (2, 1, 1)], ids=str)
def test_one_array(shape):
    given = frames(shape)
    found = average_dark(given)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, dark_sub.average_dark(given))


def test_a_dark_that_was_extrapolated_comes_in_two_arrays():
    given = frames((3, 4, 5)), frames((2, 4, 5), seed=2)
    np.testing.assert_array_equal(average_dark(*given), dark_sub.average_dark(*given))


def test_read_only_and_strided():
    given = frames((4, 6, 10))
    given.flags.writeable = False
    np.testing.assert_array_equal(average_dark(given[:, ::2, 1:]), dark_sub.average_dark(given[:, ::2, 1:]))
