"""Combination of exposures beside a loop over pixels."""

import math

import numpy as np
import pytest

from gpipe.resample.drizzle import Drizzled
from gpipe.resample.variances import Content, add_exposure, combine, no_exposure

SHAPE = (3, 7)


def sums_of(rng, *, planes=4):
    """Sums of an exposure: pixels without weight, some without read noise, some with a variance of NaN or infinity."""
    weight = rng.uniform(0.5, 2, SHAPE)
    weight[rng.random(SHAPE) < 0.2] = 0
    values = rng.uniform(1, 3, (*SHAPE, planes))
    values[..., 1:][rng.random((*SHAPE, planes - 1)) < 0.15] = rng.choice([0, np.nan, np.inf])
    values[weight == 0] = 0
    sums = values * weight[..., None]
    return np.concatenate([sums, weight[..., None]], axis=-1)


def in_a_loop(exposures, content, times, ratio, fill):
    """SCI, WHT, three variances and ERR, number by number."""
    found = np.empty((6, *SHAPE))
    for pixel in np.ndindex(SHAPE):
        light = weight = 0.0
        squares, importance = [0.0] * 3, [0.0] * 3
        for sums, time in zip(exposures, times, strict=True):
            *values, w = map(float, sums[pixel])
            light, weight = light + values[0], weight + w
            e2 = [(v / w) ** 2 if w else math.nan for v in values[1:]]
            known = math.isfinite(e2[1]) and e2[1] > 0
            of_exposure = time if content.rnoise is None else 1 / e2[1] if known else 0
            for k in range(3):
                if math.isfinite(e2[k]) and of_exposure > 0:
                    squares[k] += e2[k] * of_exposure**2
                    importance[k] += of_exposure
        variances = [s / t**2 / ratio**2 if t else math.nan for s, t in zip(squares, importance, strict=True)]
        kept = [v for v in variances if not math.isnan(v)]
        err = math.sqrt(sum(kept)) if kept else math.nan
        found[(slice(None), *pixel)] = [light / weight if weight else fill, weight, *variances, err]
    return found


@pytest.mark.parametrize("rnoise", [1, None])
def test_planes_of_the_mosaic(library, rng, rnoise):
    content, exposures, times = Content(rnoise=rnoise), [sums_of(rng) for _ in range(3)], (100.0, 20.0, 300.0)

    def run(like, *sums):
        totals = no_exposure(SHAPE, content, exposures=3, has_context=True, has_dq=False, like=like)
        for k, one in enumerate(sums):
            totals = add_exposure(totals, Drizzled(one, None), content, number=k, time=times[k])
        return totals.context, combine(totals, content, ratio=0.7, fill=-9.0)

    given = [s.astype(np.float32) for s in exposures]
    context, found = library.run(run, given[0], *given)
    expected = in_a_loop(given, content, times, 0.7, -9.0)
    planes = [*found.means, found.weight, *found.variances, found.err]
    for plane, truth in zip(planes, expected, strict=True):
        np.testing.assert_allclose(plane, truth, rtol=2e-5)
        assert plane.dtype == np.float32
    bits = sum((s[..., -1] > 0).astype(int) << k for k, s in enumerate(given))
    np.testing.assert_array_equal(context, bits[None])
    assert context.dtype == np.int32


def test_contexts_of_many_exposures(library, rng):
    content = Content(variances=0, rnoise=None)
    exposures = [sums_of(rng, planes=1).astype(np.float32) for _ in range(40)]

    def run(like, *sums):
        totals = no_exposure(SHAPE, content, exposures=40, has_context=True, has_dq=False, like=like)
        for k, one in enumerate(sums):
            totals = add_exposure(totals, Drizzled(one, None), content, number=k, time=1.0)
        return totals.context

    found = library.run(run, *exposures[:1], *exposures)
    assert found.shape == (2, *SHAPE)
    for k, sums in enumerate(exposures):
        np.testing.assert_array_equal(found[k // 32].view(np.uint32) >> k % 32 & 1, sums[..., -1] > 0)
    assert (found[0] < 0).any(), "bit 31"


def test_flags_of_all_exposures(library, rng):
    content, flags = Content(variances=0), [rng.integers(0, 1 << 32, SHAPE, np.uint32) for _ in range(2)]
    sums = np.ones((*SHAPE, 2), np.float32)

    def run(sums, *flags):
        totals = no_exposure(SHAPE, content, exposures=2, has_context=False, has_dq=True, like=sums)
        for k, dq in enumerate(flags):
            totals = add_exposure(totals, Drizzled(sums, dq), content, number=k, time=1.0)
        assert totals.context is None
        return totals.dq, combine(totals, content, ratio=1.0, fill=0.0)

    found, mosaic = library.run(run, sums, *flags)
    np.testing.assert_array_equal(found, flags[0] | flags[1])
    assert mosaic.err is None
    assert mosaic.variances == []


def test_errors_of_single_exposures_are_means(library):
    content = Content(means=2, variances=0, rnoise=None)
    sums = np.array([[[6, 4, 2], [0, 0, 0]]], np.float32)

    def run(sums):
        totals = no_exposure((1, 2), content, exposures=1, has_context=False, has_dq=False, like=sums)
        return combine(
            add_exposure(totals, Drizzled(sums, None), content, number=0, time=1.0), content, ratio=0.5, fill=7
        )

    sci, err = library.run(run, sums).means
    np.testing.assert_array_equal(sci, np.array([[3, 7]], np.float32))
    np.testing.assert_array_equal(err, np.array([[4, np.nan]], np.float32))
