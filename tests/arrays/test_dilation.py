import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gpipe.arrays.dilation import dilate_box, dilate_cross


def slow(mask, reach):
    rows, columns = mask.shape
    out = np.zeros_like(mask)
    for y in range(rows):
        for x in range(columns):
            box = mask[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]
            out[y, x] = box.any()
    return out


def dilate(mask, reach):
    from array_api_compat import array_namespace

    return dilate_box(mask, reach, xp=array_namespace(mask))


@pytest.mark.parametrize("reach", [0, 1, 2, 5])
@pytest.mark.parametrize("shape", [(9, 12), (1, 7), (3, 2)])
def test_box_dilation_against_a_loop(library, rng, reach, shape):
    mask = rng.random(shape) < 0.1
    mask[0, 0] = True
    np.testing.assert_array_equal(library.run(dilate, mask, reach), slow(mask, reach))


def test_leading_axes_are_kept_apart(library, rng):
    masks = rng.random((2, 3, 6, 8)) < 0.1
    grown = library.run(dilate, masks, 2)
    for i in range(2):
        for g in range(3):
            np.testing.assert_array_equal(grown[i, g], slow(masks[i, g], 2))


@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=8)), st.integers(0, 3), st.integers(0, 3))
def test_growing_twice_is_growing_by_the_sum(mask, first, second):
    np.testing.assert_array_equal(dilate(dilate(mask, first), second), dilate(mask, first + second))


def dilate_by_sides(mask):
    from array_api_compat import array_namespace

    return dilate_cross(mask, xp=array_namespace(mask))


@pytest.mark.parametrize("shape", [(9, 12), (1, 7), (3, 2), (2, 5, 6)])
def test_cross_dilation_against_a_loop(library, rng, shape):
    mask = rng.random(shape) < 0.1
    mask[..., 0, 0] = True
    expected = mask.copy()
    for where in zip(*np.nonzero(mask), strict=True):
        for axis, step in ((-1, -1), (-1, 1), (-2, -1), (-2, 1)):
            neighbour = list(where)
            neighbour[axis] += step
            if 0 <= neighbour[axis] < shape[axis]:
                expected[tuple(neighbour)] = True
    np.testing.assert_array_equal(library.run(dilate_by_sides, mask), expected)
