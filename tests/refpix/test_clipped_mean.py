import array_api_compat
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gpipe.refpix.clipped_mean as module
from gpipe.refpix.clipped_mean import clipped_mean


def run(x, limit):
    return clipped_mean(x, limit=limit, xp=array_api_compat.array_namespace(x))


def slow(values, limit):
    """Clip until nothing more goes."""
    left = values[~np.isnan(values)].astype(float)
    while left.size:
        mean, width = left.mean(), limit * left.std()
        inside = left[(left >= mean - width) & (left <= mean + width)]
        if inside.size in (0, left.size):
            return left.mean()
        left = inside
    return np.nan


@pytest.mark.parametrize("limit", [1.2, 2.0, 3.0, 5.0])
def test_every_set_against_a_loop(library, rng, limit):
    x = rng.standard_t(2, size=(2, 5, 300)).astype(np.float32)
    x[rng.random(x.shape) < 0.2] = np.nan
    x[0, 0] = np.nan
    out = library.run(run, x, limit)
    expected = np.array([[slow(values, limit) for values in row] for row in x])
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("limit", [1.2, 3.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounds_that_end_early_give_every_bit_of_all_rounds(rng, monkeypatch, limit, dtype):
    x = rng.standard_t(2, size=(40, 300)).astype(dtype)
    x[rng.random(x.shape) < 0.2] = np.nan
    x[:3] = 0.1
    early = run(x, limit)
    monkeypatch.setattr(module, "is_on_host", lambda x: False)
    np.testing.assert_array_equal(run(x, limit), early)


def test_rounds_end_when_they_change_nothing(rng, monkeypatch):
    asked = []
    monkeypatch.setattr(module, "is_on_host", lambda x: asked.append(x) or True)
    run(rng.standard_normal((4, 300)), 3.0)
    assert 1 < len(asked) < module.rounds(3.0) / 2


def test_an_outlier_has_no_weight(library):
    x = np.full((1, 200), 7.5, np.float32)
    x[0, ::2] = 8.5
    x[0, 17] = 6e4
    np.testing.assert_allclose(library.run(run, x, 3.0), [(99 * 7.5 + 100 * 8.5) / 199], rtol=1e-6)


def test_equal_values_keep_their_value(library):
    x = np.full((3, 1000), 0.1, np.float32)
    np.testing.assert_allclose(library.run(run, x, 3.0), np.full(3, 0.1, np.float32), rtol=1e-6)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-1e4, 1e4), st.sampled_from([1.5, 3.0]))
def test_a_constant_moves_the_mean_with_it(seed, constant, limit):
    # No whole numbers: some of those lie on a limit, where the last bit decides.
    x = np.random.default_rng(seed).standard_t(2, size=(1, 64)) * 4
    np.testing.assert_allclose(run(x + constant, limit), run(x, limit) + constant, rtol=1e-9, atol=1e-8)
