"""The median by a sorting network against numpy.nanmedian."""

import numpy as np
import pytest
from array_api_compat import array_namespace

from gpipe.arrays.masked_median import masked_median
from gpipe.arrays.ranking import merge_exchange


def median_of(stack, keep):
    """``masked_median`` of the planes of a stack, with the namespace found from the stack."""
    count = stack.shape[0]
    planes, valid = [stack[i, ...] for i in range(count)], [keep[i, ...] for i in range(count)]
    return masked_median(planes, valid, xp=array_namespace(stack))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 13, 19, 130])
def test_median_of_the_valid_planes(library, rng, count):
    stack = rng.normal(size=(count, 6, 11)).astype(np.float32)
    keep = rng.random(stack.shape) < rng.random((6, 11))
    keep[0, 0, 0] = True
    out = library.run(median_of, stack, keep)
    assert out.dtype == np.float32
    some = keep.any(axis=0)
    expected = np.nanmedian(np.where(keep, stack, np.nan)[:, some], axis=0)
    np.testing.assert_allclose(out[some], expected, rtol=1e-6)
    assert np.isfinite(out).all()


@pytest.mark.parametrize("count", range(1, 13))
def test_network_sorts_every_pattern_of_zeros_and_ones(count):
    # The 0-1 principle: a network that sorts these sorts everything.
    patterns = (np.arange(2**count)[:, None] >> np.arange(count)) & 1
    for low, high in merge_exchange(count):
        pair = np.sort(patterns[:, [low, high]], axis=1)
        patterns[:, [low, high]] = pair
    assert (np.diff(patterns, axis=1) >= 0).all()
