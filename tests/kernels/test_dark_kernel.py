"""The kernel of averaged darks beside the portable function, whose numbers it repeats bit by bit."""

import numpy as np
import pytest
from helpers.in_c import in_every_variant, kernel, unaligned

from gpipe.dark_current import dark_sub

pytestmark = [in_every_variant, pytest.mark.filterwarnings("ignore::RuntimeWarning")]
average_darks = kernel(dark_sub.average_darks)


def frames(shape, seed=1):
    rng = np.random.default_rng(seed)
    values = rng.normal(10, 300, shape).astype(np.float32)
    special = np.array([np.nan, np.inf, -np.inf, -0.0, 3e38, 1e-45], np.float32)
    where = rng.random(shape) < 0.1
    values[where] = rng.choice(special, where.sum())
    return values


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("shape", [(1, 3, 5), (4, 7, 2048), (9, 2, 33), (2, 1, 1), (3, 3, 1031)], ids=str)
def test_means_of_groups(shape, groups):
    given = frames((groups * shape[0], *shape[1:]))
    found = average_darks(given, groups)
    np.testing.assert_array_equal(found, dark_sub.average_darks(given, groups), strict=True)


@pytest.mark.parametrize("shape", [(4, 0, 4), (4, 3, 0)], ids=str)
def test_nothing(shape):
    assert average_darks(np.zeros(shape, np.float32), 2).shape == (3, *shape[1:])


def test_read_only_and_strided():
    given = frames((4, 6, 10))
    given.flags.writeable = False
    np.testing.assert_array_equal(average_darks(given[:, ::2, 1:], 2), dark_sub.average_darks(given[:, ::2, 1:], 2))


def test_unaligned_and_other_types():
    given = frames((6, 3, 70))
    for x in (unaligned(given), given.astype(np.float64)):
        np.testing.assert_array_equal(average_darks(x, 3), dark_sub.average_darks(x, 3), strict=True)


@pytest.mark.parametrize(("number", "error"), [(0, IndexError), (5, ValueError)])
def test_frames_that_do_not_make_groups_are_refused_by_the_portable_function(number, error):
    with pytest.raises(error, match=r"out of bounds|reshape"):
        average_darks(np.zeros((number, 2, 3), np.float32), 2)
