from functools import partial

import numpy as np
import pytest

from gpipe.background_mask.background import background_model
from gpipe.background_mask.limits import clip_to_background
from gpipe.background_mask.scene import background_mask, dark_regions, flagged, without_gaps


def rates(rng, shape=(3, 30, 40)):
    rate = rng.normal(1, 0.1, shape).astype(np.float32)
    rate[:, 5:9, 7:12] += 30
    rate[0, 0, 0], rate[1, 1, 1], rate[0, 20, 20] = np.nan, 0, 90
    science = np.zeros(shape[-2:], bool)
    science[15:18] = True
    return rate, science


@pytest.mark.parametrize("n_sigma", [0.0, 2.0])
@pytest.mark.parametrize("single", [False, True])
def test_sources_and_pixels_without_a_rate_are_left_out(library, rng, single, n_sigma):
    rate, science = rates(rng)
    found = library.run(partial(background_mask, n_sigma=n_sigma, single=single), rate, science)
    expected = []
    for plane in rate:
        mask = ~np.isnan(plane) & (plane != 0) & ~science
        expected.append(clip_to_background(plane, mask, above=n_sigma) if n_sigma else mask)
    expected = np.stack(expected)
    np.testing.assert_array_equal(found, expected.all(axis=0) if single else expected)
    assert found[..., 6, 8].any() == (n_sigma == 0)


def test_known_science_of_each_integration(library, rng):
    rate, science = rates(rng)
    each = np.stack([science, ~science, np.zeros_like(science)])
    found = library.run(partial(background_mask, n_sigma=0.0, single=False), rate, each)
    np.testing.assert_array_equal(found, ~np.isnan(rate) & (rate != 0) & ~each)


DO_NOT_USE, NON_SCIENCE, HOT, NO_FLAT_FIELD = 1, 512, 2048, 1 << 18


@pytest.mark.parametrize("integrations", [None, 2])
def test_regions_that_do_not_see_the_sky(library, integrations):
    dq = np.zeros((3, 6) if integrations is None else (integrations, 3, 6), np.uint32)
    dq[..., 0, :3] = DO_NOT_USE, NON_SCIENCE | HOT, HOT
    flat, err = np.ones((3, 6), np.float32), np.full((3, 6), 0.1, np.float32)
    flat[1, :2], err[1, 2] = (np.nan, 0), np.nan
    flat_dq = np.zeros((3, 6), np.uint32)
    flat_dq[2, :4] = DO_NOT_USE, NON_SCIENCE, NO_FLAT_FIELD, HOT
    found = library.run(dark_regions, dq, flat, flat_dq, err)
    expected = [[1, 1, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0], [1, 1, 1, 0, 0, 0]]
    np.testing.assert_array_equal(found, np.broadcast_to(np.array(expected, bool), dq.shape))
    own = library.run(dark_regions, dq)
    np.testing.assert_array_equal(own, (dq & (DO_NOT_USE | NON_SCIENCE)) != 0)


def test_one_rate_and_no_known_science(library, rng):
    rate, _ = rates(rng)
    found = library.run(partial(background_mask, n_sigma=2.0), rate[0])
    assert found.shape == rate.shape[1:]
    assert found[16].mean() > 0.8


def test_holes_of_a_flat_take_the_value_of_a_smooth_model(library, rng):
    flat = (1 + np.mgrid[:64, :64][0] / 640 + rng.normal(0, 0.002, (64, 64))).astype(np.float32)
    holes = rng.random(flat.shape) < 0.02
    broken = np.where(holes, np.where(rng.random(flat.shape) < 0.5, np.nan, 0), flat).astype(np.float32)
    found = library.run(partial(without_gaps, fill_gaps=lambda mesh: mesh), broken)
    np.testing.assert_array_equal(found[~holes], flat[~holes])
    known = np.where(holes, np.nan, flat)
    model = background_model(known, ~holes, fill_gaps=lambda mesh: mesh).level
    np.testing.assert_allclose(found[holes], np.broadcast_to(model, flat.shape)[holes], rtol=1e-5)


def test_dark_pixels_are_flagged_beside_their_flags(library):
    flags = np.array([[0, 4], [4, 5]], np.uint32)
    found = library.run(flagged, flags, np.array([[True, False], [True, True]]))
    assert found.dtype == np.uint32
    np.testing.assert_array_equal(found, [[1, 4], [5, 5]])
