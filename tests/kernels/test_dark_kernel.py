"""The numba kernel of averaged darks beside the portable function, whose numbers it repeats bit by bit."""

import numpy as np
import pytest

from gpipe.backends import native
from gpipe.dark_current import dark_sub

pytest.importorskip("numba")
average_darks = native.find(dark_sub.average_darks, native.CPU)


def frames(shape, seed=1):
    rng = np.random.default_rng(seed)
    values = rng.normal(10, 300, shape).astype(np.float32)
    values[rng.random(shape) < 0.1] = np.nan
    return values


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("shape", [(1, 3, 5), (4, 7, 2048), (9, 2, 33), (2, 1, 1)], ids=str)
def test_means_of_groups(shape, groups):
    given = frames((groups * shape[0], *shape[1:]))
    found = average_darks(given, groups)
    np.testing.assert_array_equal(found, dark_sub.average_darks(given, groups), strict=True)


def test_read_only_and_strided():
    given = frames((4, 6, 10))
    given.flags.writeable = False
    np.testing.assert_array_equal(average_darks(given[:, ::2, 1:], 2), dark_sub.average_darks(given[:, ::2, 1:], 2))
