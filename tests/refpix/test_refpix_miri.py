"""The MIRI correction against a slow one that walks over groups, amplifiers, parities and sides."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gpipe.dq as dq
from gpipe.refpix.miri import correct_interleaved_amplifiers


def slow_mean(values, limit):
    left = values[~np.isnan(values)].astype(float)
    while left.size:
        inside = left[np.abs(left - left.mean()) <= limit * left.std()]
        if inside.size in (0, left.size):
            return left.mean()
        left = inside
    return np.nan


def slow(data, pixeldq, odd_even_rows=True, siglimit=3.0):
    out = data.astype(float)
    usable = (pixeldq & dq.DO_NOT_USE) == 0
    step = 2 if odd_even_rows else 1
    for i, group in np.ndindex(*data.shape[:2]):
        signals = []
        for first, amplifier in np.ndindex(step, 4):
            rows = slice(first, None, step)
            sides = [
                slow_mean(np.where(usable, data[i, group] - data[i, 0], np.nan)[rows, column], siglimit)
                for column in (amplifier, data.shape[3] - 4 + amplifier)
            ]
            signals.append((rows, slice(amplifier, None, 4), np.mean(sides)))
        if not np.isnan([signal for *_, signal in signals]).any():
            for rows, columns, signal in signals:
                out[i, group, rows, columns] -= signal
    return out


def exposure(rng, shape):
    """Ramps with drifts of amplifiers and outliers, and flags with bad reference pixels."""
    data = rng.normal(30.0, 10.0, shape) + np.tile(rng.normal(0, 50, (*shape[:2], 1, 4)), shape[3] // 4)
    data[rng.random(shape) < 0.02] += 4000.0
    pixeldq = np.where(rng.random(shape[2:]) < 0.1, dq.DO_NOT_USE | dq.REFERENCE_PIXEL, 0).astype(np.uint32)
    return data.astype(np.float32), pixeldq


@pytest.mark.parametrize("given", [{}, {"odd_even_rows": False}, {"siglimit": 2.0}], ids=str)
@pytest.mark.parametrize("shape", [(2, 3, 40, 20), (1, 2, 24, 8)], ids=str)
def test_each_amplifier_loses_its_drift(library, rng, shape, given):
    data, pixeldq = exposure(rng, shape)
    out = library.run(correct_interleaved_amplifiers, data, pixeldq, **given)
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, slow(data, pixeldq, **given), rtol=1e-5, atol=1e-3)


def test_first_group_and_ramps_of_one_group_stay_as_they_are(library, rng):
    data, pixeldq = exposure(rng, (2, 3, 16, 12))
    out = library.run(correct_interleaved_amplifiers, data, pixeldq)
    np.testing.assert_array_equal(out[:, 0], data[:, 0])
    assert (out[:, 1:] != data[:, 1:]).all()
    np.testing.assert_array_equal(library.run(correct_interleaved_amplifiers, data[:, :1], pixeldq), data[:, :1])


def test_without_usable_pixels_of_one_amplifier_at_one_side_nothing_is_corrected(library, rng):
    data, pixeldq = exposure(rng, (1, 2, 16, 12))
    pixeldq[1::2, 9] |= dq.DO_NOT_USE
    np.testing.assert_array_equal(library.run(correct_interleaved_amplifiers, data, pixeldq), data)
    assert (library.run(correct_interleaved_amplifiers, data, pixeldq, odd_even_rows=False)[:, 1] != data[:, 1]).all()


@pytest.mark.parametrize("group", [0, 1])
def test_nan_among_reference_pixels_is_left_out(library, rng, group):
    data, pixeldq = exposure(rng, (1, 3, 16, 12))
    pixeldq[4, 2] = 0
    data[0, group, 4, 2] = np.nan
    out = library.run(correct_interleaved_amplifiers, data, pixeldq)
    np.testing.assert_allclose(out, slow(data, pixeldq), rtol=1e-5, atol=1e-3)
    assert np.isnan(out).sum() == 1


def test_nan_of_a_light_sensitive_pixel_stays_where_it_is(library, rng):
    data, pixeldq = exposure(rng, (1, 3, 16, 12))
    data[0, 0, 5, 6] = np.nan
    out = library.run(correct_interleaved_amplifiers, data, pixeldq)
    np.testing.assert_array_equal(np.isnan(out), np.isnan(data))


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(-500, 500), min_size=8, max_size=8))
def test_constant_of_each_amplifier_and_parity_is_removed(constants):
    data, pixeldq = exposure(np.random.default_rng(1), (1, 2, 40, 12))
    shifted = data.copy()
    shifted[0, 1] += np.tile(np.array(constants, np.float32).reshape(2, 4), (20, 3))
    before, after = (correct_interleaved_amplifiers(x, pixeldq) for x in (data, shifted))
    np.testing.assert_allclose(after, before, atol=2e-3)
