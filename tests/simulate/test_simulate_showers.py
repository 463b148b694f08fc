"""Showers of MIRI's detectors."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.simulated import DARKNESS, QUIET, mid_infrared

from gpipe.simulate import make_exposure
from gpipe.simulate.showers import SHOWER, Showers, draw_cloud

CONFIG = mid_infrared(subarray="SUB256", noise=replace(QUIET, showers=1.0))


def test_they_come_at_their_rate_anywhere(rng):
    showers = Showers(CONFIG, rng)
    for group in range(30):
        showers.advance(10.0, 0, group)
    expected = 300 * CONFIG.sca.pixel_area * 256 * 256
    assert len(showers.seen) == pytest.approx(expected, abs=4 * np.sqrt(expected))
    assert showers.seen["row"].min() < 40
    assert showers.seen["column"].max() > 216
    assert (showers.seen["long"] >= showers.seen["short"]).all()
    assert set(showers.seen["group"]) <= set(range(30))


def test_a_cloud_is_an_ellipse_with_its_axes():
    shower = np.array((0, 0, 64.0, 96.0, 80.0, 14.0, 6.0, 0.6), dtype=SHOWER)
    cloud = draw_cloud(shower, (128, 192))
    assert cloud.dtype == np.float32
    assert cloud.max() == pytest.approx(80.0, rel=0.01)
    y, x = np.mgrid[:128, :192] + 0.5
    weight = cloud / cloud.sum()
    covariance = np.cov(np.stack([x.ravel(), y.ravel()]), aweights=weight.ravel().astype(float))
    values, vectors = np.linalg.eigh(covariance)
    np.testing.assert_allclose(np.sqrt(values), [6.0, 14.0], rtol=0.02)
    assert np.arctan2(vectors[1, 1], vectors[0, 1]) % np.pi == pytest.approx(0.6, abs=0.01)


def test_part_of_the_charge_comes_later_and_all_of_it_comes(rng):
    showers = Showers(replace(CONFIG, noise=replace(QUIET, showers=20.0)), rng)
    first = showers.advance(1.0, 0, 0)
    expected = sum(draw_cloud(shower, (256, 256)).astype(float) for shower in showers.seen)
    np.testing.assert_allclose(first, 0.7 * expected, rtol=1e-4, atol=1e-3)
    showers._rate = 0.0
    second, third = (showers.advance(12.0, 0, group) for group in (1, 2))
    np.testing.assert_allclose(third, second * np.exp(-1), rtol=1e-3, atol=1e-3)
    rest = showers.advance(1e4, 0, 3)
    np.testing.assert_allclose(first + second + third + rest, expected, rtol=1e-4, atol=1e-2)


def test_pixels_show_them_and_the_truth_tells():
    config = replace(CONFIG, scene=DARKNESS, ngroups=6)
    without, _ = make_exposure(replace(config, noise=QUIET))
    model, truth = make_exposure(config)
    with model, without:
        gained = (model.data.astype(float) - without.data)[0] * truth.pixels.gain
    (shower,) = truth.showers[truth.showers["electrons"] == truth.showers["electrons"].max()]
    row, column = int(shower["row"]), int(shower["column"])
    step = np.diff(gained[:, row, column], prepend=0)
    assert np.argmax(step) == shower["group"]
    assert step.max() > 0.6 * shower["electrons"]


def test_there_are_none_unless_asked_for():
    model, truth = make_exposure(mid_infrared())
    model.close()
    assert len(truth.showers) == 0
