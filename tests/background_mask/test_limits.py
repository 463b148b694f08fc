import numpy as np
import pytest
from astropy.stats import sigma_clipped_stats
from scipy.optimize import curve_fit

from gpipe.background_mask.limits import clip_to_background, median_level

CLOSE = 4e-3
"""Share of pixels whose value may lie so near a limit that rounding in float32 decides."""


def field(rng, shape=(60, 70)):
    image = rng.normal(20, 4, shape).astype(np.float32)
    image[rng.random(shape) < 0.08] += 30
    mask = rng.random(shape) < 0.9
    image[0, :2] = np.nan
    return image, mask


def slow_limits(image, mask, below, above, lower_half_only, fit_histogram):
    values = image[mask & np.isfinite(image)].astype(float)
    mean, centre, sigma = sigma_clipped_stats(values, sigma=3)
    centre = mean if fit_histogram else centre
    if lower_half_only:
        lower = values[values <= centre] - centre
        values = np.concatenate([lower, -lower]) + centre
        sigma = sigma_clipped_stats(values, sigma=3)[2]
    if fit_histogram:
        counts, edges = np.histogram(values, 2000, (centre - 4 * sigma, centre + 4 * sigma))
        at = (edges[1:] + edges[:-1]) / 2
        start = counts.max(), at[counts.argmax()], sigma
        _, centre, sigma = curve_fit(lambda x, a, m, s: a * np.exp(-(((x - m) / s) ** 2) / 2), at, counts, start)[0]
    return centre - below * sigma, centre + above * abs(sigma)


@pytest.mark.parametrize("fit_histogram", [False, True])
@pytest.mark.parametrize("lower_half_only", [False, True])
def test_mask_against_statistics_of_astropy(library, rng, lower_half_only, fit_histogram):
    image, mask = field(rng)
    given = {"lower_half_only": lower_half_only, "fit_histogram": fit_histogram}
    found = library.run(clip_to_background, image, mask, above=2.0, **given)
    low, high = slow_limits(image, mask, 3.0, 2.0, **given)
    expected = mask & (image >= low) & (image <= high)
    assert np.mean(found != expected) <= CLOSE
    assert not found[~mask].any()
    assert not found[np.isnan(image)].any()


def test_a_histogram_that_cannot_be_fitted_leaves_centre_and_width_of_the_clipping(library):
    image = np.full((5, 5), 7, np.float32)  # no width at all
    found = library.run(clip_to_background, image, np.ones((5, 5), bool), fit_histogram=True)
    assert found.all()


def test_level(library, rng):
    image, mask = field(rng)
    found = library.run(
        lambda image, mask: (median_level(image, mask).value, median_level(image, mask).mask), image, mask
    )
    low, high = slow_limits(image, mask, 3.0, 3.0, True, False)
    assert found[0].dtype == np.float32
    np.testing.assert_allclose(found[0], np.median(image[mask & (image >= low) & (image <= high)]), rtol=1e-4)
    assert np.mean(found[1] != (mask & (image >= low) & (image <= high))) <= CLOSE


def test_an_empty_mask_stays_empty(library):
    found = library.run(clip_to_background, np.zeros((4, 4), np.float32), np.zeros((4, 4), bool), fit_histogram=True)
    assert not found.any()
