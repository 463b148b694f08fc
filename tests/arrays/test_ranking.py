import numpy as np
import pytest

from gpipe.arrays.ranking import LARGEST_NETWORK, sort_planes


@pytest.mark.parametrize("planes", [1, 2, 3, 4, 5, 7, 8, 9, 16, 31, LARGEST_NETWORK, LARGEST_NETWORK + 1, 70])
def test_planes_are_sorted_as_numpy_sorts(library, rng, planes):
    x = rng.integers(-5, 5, (planes, 3, 4)).astype(np.float32)
    out = library.run(sort_planes, x)
    np.testing.assert_array_equal(out, np.sort(x, axis=0))
    assert out.dtype == np.float32


@pytest.mark.parametrize("planes", range(1, 13))
def test_the_network_sorts_every_sequence_of_zeros_and_ones(planes):
    """A network that does so sorts any values (Knuth's zero-one principle)."""
    every = (np.arange(2**planes) >> np.arange(planes)[:, None]) & 1
    np.testing.assert_array_equal(sort_planes(every), np.sort(every, axis=0))
