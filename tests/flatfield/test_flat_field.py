import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gpipe import dq
from gpipe.flatfield.flat_field import divide_by_flat, flags_of_flat, multiply_by_flat, usable_flat

SHAPE = (2, 3, 4)
BAD = dq.DO_NOT_USE | dq.NO_FLAT_FIELD
f4 = np.float32


@pytest.fixture
def flat():
    """A pixel of each kind: usable, NaN, 0, and one for each flag that matters."""
    values = np.array([0.9, np.nan, 0.0, 1.1, 1.2, 1.3], f4)
    flags = np.array([0, dq.HOT, 0, dq.NO_FLAT_FIELD, dq.DO_NOT_USE, dq.UNRELIABLE_FLAT], np.uint32)
    return values, flags


def test_pixels_without_a_flat_are_flagged(library, flat):
    found = library.run(flags_of_flat, *flat)
    assert found.tolist() == [0, dq.HOT | BAD, BAD, BAD, dq.DO_NOT_USE, dq.UNRELIABLE_FLAT]
    assert found.dtype == np.uint32


def test_bad_pixels_are_divided_by_1(library, flat):
    found = library.run(usable_flat, flat[0], flags_of_flat(*flat))
    np.testing.assert_array_equal(found, np.array([0.9, 1, 1, 1, 1, 1.3], f4), strict=True)


@pytest.fixture
def scene(rng):
    rates = [rng.uniform(0.1, 9, SHAPE).astype(f4) for _ in range(3)]
    rates[0][0, 0, 0] = rates[1][0, 0, 1] = np.nan
    flags = rng.choice(np.array([0, 0, dq.SATURATED], np.uint32), SHAPE)
    flags[0, 1, 0] = dq.DO_NOT_USE
    err = rng.uniform(0, 0.1, SHAPE[-2:]).astype(f4)
    err[2, 2] = np.nan
    flat_dq = np.zeros(SHAPE[-2:], np.uint32)
    flat_dq[2, 0], flat_dq[2, 1] = BAD, dq.UNRELIABLE_FLAT
    return rates, flags, rng.uniform(0.5, 1.5, SHAPE[-2:]).astype(f4), err, flat_dq


def run(library, function, rates, *others):
    def unpacked(science, poisson, rnoise, *rest):
        return function((science, poisson, rnoise), *rest)

    return library.run(unpacked, *rates, *others)


@pytest.mark.parametrize("integrations", [True, False], ids=["cube", "image"])
def test_division_against_a_loop(library, scene, integrations):
    rates, flags, flat, err, flat_dq = scene
    if not integrations:
        rates, flags = [x[0] for x in rates], flags[0]
    out = run(library, divide_by_flat, rates, flags, flat, err, flat_dq)
    for pixel in np.ndindex(flags.shape):
        f, sigma, (d, poisson, rnoise) = flat[pixel[-2:]], err[pixel[-2:]], (x[pixel] for x in rates)
        d = d / f
        expected = [d, poisson / (f * f), rnoise / (f * f), d * d / (f * f) * (sigma * sigma)]
        expected.append(np.sqrt(expected[1] + expected[2] + expected[3]))
        marked = flags[pixel] | flat_dq[pixel[-2:]]
        if marked & dq.DO_NOT_USE or np.isnan(expected).any():
            expected, marked = [np.nan] * 5, marked | dq.DO_NOT_USE
        found = [x[pixel] for x in (out.data, out.var_poisson, out.var_rnoise, out.var_flat, out.err)]
        np.testing.assert_array_equal(found, np.array(expected, f4))
        assert out.dq[pixel] == marked
    assert {x.dtype for x in vars(out).values()} == {np.dtype(f4), np.dtype(np.uint32)}


def test_multiplication_against_a_loop(library, scene):
    rates, flags, flat, _, flat_dq = scene
    out = run(library, multiply_by_flat, rates, flags, flat, flat_dq)
    bad = ((flags | flat_dq) & dq.DO_NOT_USE != 0) | np.isnan(rates).any(axis=0)
    np.testing.assert_array_equal(out.data, np.where(bad, np.nan, rates[0] * flat))
    np.testing.assert_array_equal(out.var_flat, np.where(bad, np.nan, np.zeros(SHAPE, f4)))
    np.testing.assert_array_equal(out.err, np.sqrt(out.var_poisson + out.var_rnoise))
    assert out.err.dtype == out.var_flat.dtype == f4


NUMBERS = hnp.arrays(f4, (2, 3), elements=st.floats(0.125, 8, width=32))
NONE = np.zeros((2, 3), np.uint32)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_the_inverse_undoes_it(data, variance, flat):
    there = divide_by_flat((data, variance, variance), NONE, flat, 0 * flat, NONE)
    back = multiply_by_flat((there.data, there.var_poisson, there.var_rnoise), there.dq, flat, NONE)
    np.testing.assert_allclose(back.data, data, rtol=1e-6)
    np.testing.assert_allclose(back.err, np.sqrt(2 * variance), rtol=1e-6)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_the_relative_error_of_the_flat_is_that_of_the_pixels(data, flat, err):
    out = divide_by_flat((data, 0 * data, 0 * data), NONE, flat, err, NONE)
    np.testing.assert_allclose(out.err / out.data, err / flat, rtol=1e-6)
