import dataclasses

import numpy as np
import pytest
from astropy.stats import sigma_clip as astropy_clip
from hypothesis import given
from hypothesis import strategies as st

from gpipe.arrays.ranked import (
    between,
    deviation_from,
    everything,
    mirrored_clip,
    moments,
    overlap,
    rank_values,
    sigma_clip,
)


@dataclasses.dataclass(frozen=True)
class Found:
    mean: object
    median: object
    deviation: object
    count: object


def clipped(x, valid, limit):
    ranked = rank_values(x, valid)
    span = sigma_clip(ranked, limit=limit)
    found = moments(ranked, span)
    return Found(found.mean, found.median, found.deviation, span.end - span.begin)


def mirrored(x, valid, limit):
    ranked = rank_values(x, valid)
    centre = moments(ranked, everything(ranked)).median
    return mirrored_clip(ranked, centre, limit=limit, within=everything(ranked))


def sample(seed, sets=3, number=400):
    rng = np.random.default_rng(seed)
    x = rng.normal(1000, 5, (sets, number)).astype(np.float32)
    x[rng.random(x.shape) < 0.1] += 80
    x[0, :3] = np.nan, np.inf, -np.inf
    return x, rng.random(x.shape) < 0.7


@pytest.mark.parametrize("limit", [2.0, 3.0, 10.0])
def test_clipping_is_that_of_astropy(library, limit):
    x, valid = sample(1)
    found = library.run(clipped, x, valid, limit)
    for i in range(len(x)):
        known = x[i][valid[i] & np.isfinite(x[i])].astype(float)
        left = astropy_clip(known, sigma=limit, masked=False)
        assert found.count[i, 0] == len(left)
        np.testing.assert_allclose(found.median[i, 0], np.median(left), rtol=1e-6)
        np.testing.assert_allclose(found.mean[i, 0], np.mean(left), rtol=1e-6)
        np.testing.assert_allclose(found.deviation[i, 0], np.std(left), rtol=1e-3)


def test_mirrored_values_against_astropy(library):
    x, valid = sample(2)
    found = library.run(mirrored, x, valid, 3.0)
    for i in range(len(x)):
        known = x[i][valid[i] & np.isfinite(x[i])].astype(float)
        centre = np.median(known)
        lower = known[known <= centre] - centre
        left = astropy_clip(np.concatenate([lower, -lower]), sigma=3.0, masked=False)
        np.testing.assert_allclose(found[i, 0], np.std(left), rtol=1e-3)


@given(st.integers(0, 1000), st.floats(-1e3, 1e3, width=32))
def test_a_constant_moves_the_centre_and_nothing_else(seed, constant):
    x, valid = sample(seed, sets=1, number=60)
    before, after = clipped(x, valid, 3.0), clipped(x + np.float32(constant), valid, 3.0)
    np.testing.assert_allclose(after.median - constant, before.median, atol=1e-3)
    np.testing.assert_allclose(after.deviation, before.deviation, rtol=1e-2)


def test_spans(library):
    x = np.array([[5, 1, 3, 9, 7, np.nan]], np.float32)
    valid = np.array([[True, True, True, True, False, True]])

    def inner(x, valid):
        ranked = rank_values(x, valid)
        low, high = ranked.origin * 0 + 3, ranked.origin * 0 + 5
        span = overlap(between(ranked, low, high), everything(ranked))
        return span.begin, span.end, ranked.count, deviation_from(ranked, low, span)

    begin, end, count, deviation = library.run(inner, x, valid)
    assert (begin[0, 0], end[0, 0], count[0, 0]) == (1, 3, 4)
    np.testing.assert_allclose(deviation[0, 0], np.sqrt(2), rtol=1e-6)


def test_nothing_valid_gives_finite_numbers(library):
    found = library.run(clipped, np.full((2, 5), np.nan, np.float32), np.ones((2, 5), bool), 3.0)
    assert np.all(np.isfinite(found.mean))
    assert np.all(found.count == 0)
    assert np.all(found.deviation == 0)
