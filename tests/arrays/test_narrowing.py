"""Marked elements and back."""

import numpy as np
import pytest

from gpipe.arrays.narrowing import marked


def doubled_where(mask, first, second):
    few = marked(mask)
    if few is None:
        return [first, second]
    return [few.index, *few.put([first, second], [2 * x for x in few.take([first, second])])]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.9, 1.0])
def test_only_marked_elements_change(library, rng, share):
    mask = rng.random((3, 4, 5)) < share
    first, second = rng.normal(size=(2, 3, 4, 5)).astype(np.float32)
    *index, one, other = library.run(doubled_where, mask, first, second)
    assert one.dtype == np.float32
    np.testing.assert_array_equal(one, np.where(mask, 2 * first, first))
    np.testing.assert_array_equal(other, np.where(mask, 2 * second, second))
    if mask.any():
        np.testing.assert_array_equal(index[0], np.flatnonzero(mask))
    else:
        assert not index
