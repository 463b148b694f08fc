import numpy as np
import pytest

from gpipe.jump.differences import first_differences, median, noise, rank, rank_magnitudes, read_variance

DO_NOT_USE, SATURATED, JUMP_DET = 1, 2, 4


def test_differences_are_electrons_between_usable_groups(library, rng):
    data = rng.normal(1000, 300, (2, 6, 3, 4)).astype(np.float32)
    groupdq = rng.choice([0, DO_NOT_USE, SATURATED, JUMP_DET, 16], data.shape).astype(np.uint8)
    data[0, 2, 0, 0], data[1, 3, 1, 1] = np.nan, np.inf
    gain = rng.uniform(1, 2, (3, 4)).astype(np.float32)
    gain[2, 2] = np.nan
    out = library.run(first_differences, data, groupdq, gain)
    assert out.dtype == np.float32
    for i, g, y, x in np.ndindex(out.shape):
        two = slice(g, g + 2)
        usable = not np.any(groupdq[i, two, y, x] & 3) and np.all(np.isfinite(data[i, two, y, x]))
        before, after = data[i, two, y, x] * gain[y, x]
        np.testing.assert_equal(out[i, g, y, x], after - before if usable else np.float32(np.nan))


@pytest.mark.parametrize("count", [1, 2, 5, 8, 40])
def test_median_leaves_out_what_is_missing(library, rng, count):
    differences = rng.normal(0, 10, (count, 5, 6)).astype(np.float32)
    differences[rng.random(differences.shape) < 0.4] = np.nan
    differences[:, 0, 0] = np.nan
    differences[:, 0, 1] = 7

    def medians(x):
        ranked = rank(x)
        return median(ranked), median(rank_magnitudes(ranked))

    plain, of_magnitudes = library.run(medians, differences)
    for y, x in np.ndindex(5, 6):
        usable = differences[:, y, x][~np.isnan(differences[:, y, x])]
        expected = (np.median(usable), np.median(np.abs(usable))) if usable.size else (np.nan, np.nan)
        np.testing.assert_allclose((plain[y, x], of_magnitudes[y, x]), expected, rtol=1e-6)
    assert plain.dtype == np.float32


def test_noise_is_that_of_photons_and_reads_and_unknown_where_zero(library):
    flux = np.array([[100.0, -100.0, 0.0, 0.0, np.nan]], np.float32)
    readnoise = np.array([[6.0, 6.0, 6.0, 0.0, 6.0]], np.float32)

    def both(flux, readnoise, gain):
        return noise(flux, read_variance(readnoise, gain, frames=4))

    out = library.run(both, flux, readnoise, np.full((1, 5), 2, np.float32))
    np.testing.assert_allclose(out, [[np.sqrt(136), np.sqrt(136), 6, np.nan, np.nan]], rtol=1e-6)
    assert out.dtype == np.float32
