"""NumPy's versions of reset and dark_current beside the portable functions: equal numbers, bit by bit."""

import numpy as np
import pytest
from helpers.in_c import kernel

from gpipe.dark_current import dark_sub
from gpipe.reset import reset_sub

VERSIONS = {function: kernel(function) for function in (dark_sub.subtract_darks, reset_sub.subtract_reset)}
SHAPES = [(1, 1, 1, 1), (3, 5, 4, 7), (2, 4, 3, 1031)]


def arrays(shape, groups, seed=1):
    rng = np.random.default_rng(seed)
    data = rng.normal(1e4, 300, shape).astype(np.float32)
    data[rng.random(shape) < 0.1] = np.nan
    pixeldq, plane_dq = rng.integers(0, 1 << 32, (2, *shape[2:]), np.uint32)
    cubes = rng.normal(10, 3, (2, groups, *shape[2:])).astype(np.float32)
    return data, pixeldq, [cubes[i % 2] for i in range(shape[0])], plane_dq


def assert_same(function, given):
    before = given[0].copy()
    for x in (given[0], given[1], *given[2], given[3]):
        x.flags.writeable = False
    found, expected = VERSIONS[function](*given), function(*given)
    np.testing.assert_array_equal(found.data, expected.data, strict=True)
    np.testing.assert_array_equal(found.pixeldq, expected.pixeldq, strict=True)
    np.testing.assert_array_equal(given[0], before)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_dark_for_every_group(shape):
    assert_same(dark_sub.subtract_darks, arrays(shape, shape[1]))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_reset_anomaly_of_the_first_groups(shape):
    for groups in range(shape[1] + 1):
        assert_same(reset_sub.subtract_reset, arrays(shape, groups))


def test_a_cut_of_rows():
    data, *rest = arrays((2, 3, 8, 5), 2)
    cut = [x[..., 2:7, :] for x in rest[1]]
    assert_same(reset_sub.subtract_reset, (data[..., 2:7, :], rest[0][2:7], cut, rest[2][2:7]))


def test_strided():
    data, *rest = arrays((2, 3, 8, 5), 3)
    halved = [x[..., ::2, :] for x in rest[1]]
    assert_same(dark_sub.subtract_darks, (data[..., ::2, :], rest[0][::2], halved, rest[2][::2]))


@pytest.mark.parametrize("function", VERSIONS, ids=lambda f: f.__name__)
def test_planes_for_each_integration_are_expected(function):
    data, pixeldq, cubes, plane_dq = arrays((2, 3, 4, 5), 3)
    with pytest.raises(ValueError, match="found"):
        VERSIONS[function](data, pixeldq, cubes[:1], plane_dq)
