import numpy as np

from gpipe.background_mask.images import mean_image
from gpipe.clean_flicker_noise.median_image import relative_light, scaled_median


def test_light_relative_to_the_median(library, rng):
    rates = rng.normal(5, 0.1, (5, 6, 7)).astype(np.float32) * np.float32([1, 2, 1.5, 1.2, 0])[:, None, None]
    rates[:, 0, 0] = np.nan
    rates[4] = np.nan
    found = library.run(relative_light, rates)
    medians = np.array([np.nanmedian(r) if not np.isnan(r).all() else np.nan for r in rates])
    relative = medians / np.nanmedian(medians)
    np.testing.assert_array_equal(found.measured, [True] * 4 + [False])
    np.testing.assert_allclose(found.factor[:4], relative[:4], rtol=1e-5)
    np.testing.assert_allclose(found.factor[4], np.median(relative[:4]), rtol=1e-5)
    assert found.factor.dtype == np.float32


def test_no_light_anywhere(library):
    assert not library.run(relative_light, np.zeros((3, 4, 5), np.float32)).measured.any()


def test_scaled_medians(library, rng):
    factor = np.float32([0.5, 1, 2])
    for shape in ((3, 4, 5), (3, 2, 4, 5)):
        data = rng.normal(0, 1, shape).astype(np.float32)
        data[0, ..., 1, 1] = np.nan
        found = library.run(scaled_median, data, factor)
        expected = factor.reshape(-1, *(1,) * (len(shape) - 1)) * np.nanmedian(data, axis=0)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_mean_of_integrations(library, rng):
    rates = rng.normal(0, 1, (3, 4, 5)).astype(np.float32)
    rates[0, 1, 1] = rates[:, 2, 2] = np.nan
    found = library.run(mean_image, rates)
    assert np.isnan(found[2, 2])
    rates[:, 2, 2] = 0
    found[2, 2] = 0
    np.testing.assert_allclose(found, np.nanmean(rates, axis=0), rtol=1e-4, atol=1e-6)
