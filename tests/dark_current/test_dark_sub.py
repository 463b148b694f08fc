import array_api_compat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gpipe.dq as dq
from gpipe.dark_current.dark_sub import (
    any_flags,
    average_darks,
    extrapolate_dark,
    known_current,
    subtract_darks,
    uniform_dark_current,
)

FINITE = st.floats(-1e4, 1e4, width=32)


def subtract(data, pixeldq, dark, dark_dq):
    return subtract_darks(data, pixeldq, [dark] * data.shape[0], dark_dq)


def test_every_group_of_every_integration_loses_its_dark(library, rng):
    data = rng.normal(size=(2, 3, 4, 5)).astype(np.float32)
    data[1, 2, 0, 0] = np.nan
    dark = rng.normal(size=(3, 4, 5)).astype(np.float32)
    pixeldq = rng.integers(0, 8, (4, 5)).astype(np.uint32)
    dark_dq = np.full((4, 5), dq.UNRELIABLE_DARK, np.uint32)
    expected = data.copy()
    for integration, group in np.ndindex(2, 3):
        expected[integration, group] -= dark[group]
    out = library.run(subtract, data, pixeldq, dark, dark_dq)
    assert out.data.dtype == np.float32
    assert out.pixeldq.dtype == np.uint32
    np.testing.assert_array_equal(out.data, expected)
    np.testing.assert_array_equal(out.pixeldq, pixeldq | dark_dq)


def test_a_dark_for_each_integration(library, rng):
    def subtract(data, pixeldq, darks, dark_dq):
        unstack = array_api_compat.array_namespace(darks).unstack
        return subtract_darks(data, pixeldq, unstack(darks), dark_dq)

    data = rng.normal(size=(3, 2, 4, 5)).astype(np.float32)
    darks = rng.normal(size=data.shape).astype(np.float32)
    pixeldq, dark_dq = np.zeros((4, 5), np.uint32), np.full((4, 5), dq.UNRELIABLE_DARK, np.uint32)
    out = library.run(subtract, data, pixeldq, darks, dark_dq)
    assert out.data.dtype == np.float32
    np.testing.assert_array_equal(out.data, data - darks)
    np.testing.assert_array_equal(out.pixeldq, dark_dq)


@pytest.mark.parametrize("shape", [(4, 5), (1, 4, 5), (3, 4, 5)])
def test_flags_of_all_integrations_together(library, rng, shape):
    flags = rng.integers(0, 1 << 32, shape, dtype=np.uint32) & rng.integers(0, 1 << 32, shape, dtype=np.uint32)
    expected = np.bitwise_or.reduce(flags.reshape(-1, 4, 5), axis=0)
    out = library.run(any_flags, flags)
    assert out.dtype == np.uint32
    np.testing.assert_array_equal(out, expected)


def test_a_dark_of_another_number_of_integrations_is_an_error():
    flags = np.zeros((1, 1), np.uint32)
    plane = np.zeros((1, 1), np.float32)
    with pytest.raises(ValueError, match=r"darks of \[1\] groups for data of \[1, 1\]"):
        subtract_darks(np.zeros((2, 1, 1, 1), np.float32), flags, [plane[None]], flags)


def test_dark_of_another_number_of_groups_is_an_error():
    data = np.zeros((1, 3, 2, 2), np.float32)
    flags = np.zeros((2, 2), np.uint32)
    with pytest.raises(ValueError, match=r"darks of \[2\] groups for data of \[3\]"):
        subtract(data, flags, np.zeros((2, 2, 2), np.float32), flags)


@pytest.mark.parametrize(("count", "groups"), [(1, 1), (2, 3), (8, 2)])
def test_average_of_each_group_counts_nan_as_zero_and_tells_it(library, rng, count, groups):
    frames = rng.normal(size=(groups * count, 3, 4)).astype(np.float32)
    frames[0, 1, 1] = frames[:, 2, 2] = np.nan
    out = library.run(average_darks, frames, groups)
    assert out.dtype == np.float32
    expected = [np.nan_to_num(frames[k * count : (k + 1) * count]).mean(axis=0) for k in range(groups)]
    np.testing.assert_allclose(out[:-1], expected, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(out[-1], ~np.isfinite(frames).all(axis=0))


def test_a_dark_current_that_is_unknown_is_0_and_flagged(library):
    current = np.array([[0.5, np.nan, -np.inf, 0.0]], np.float32)
    known, flags = library.run(known_current, current)
    np.testing.assert_array_equal(known, [[0.5, 0, 0, 0]])
    np.testing.assert_array_equal(flags, [[0, dq.UNRELIABLE_DARK, dq.UNRELIABLE_DARK, 0]])


@given(FINITE, FINITE, st.integers(2, 8))
def test_average_of_a_steady_dark_is_its_middle(start, step, count):
    frames = np.array([start + step * i for i in range(count)], np.float32)[:, None, None]
    middle = start + step * (count - 1) / 2
    np.testing.assert_allclose(
        average_darks(frames, 1)[:-1], [[[middle]]], rtol=1e-5, atol=1e-5 * (abs(start) + 8 * abs(step)) + 1e-30
    )


def test_extrapolation_goes_on_at_the_last_rate(library):
    last = np.array([[[1.0, 5.0]], [[2.0, np.nan]]], np.float32)
    out = library.run(extrapolate_dark, last, range(2, 4))
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out, [[[4.0, np.nan]], [[5.0, np.nan]]])


def test_one_dark_current_for_all_pixels(library):
    out = library.run(uniform_dark_current, np.zeros((2, 1, 3, 4), np.float32), 0.25)
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out, np.full((3, 4), 0.25))
