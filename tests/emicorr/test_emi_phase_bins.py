import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gpipe.emicorr.phase_bins import bin_pixels, sum_in_bins


def summed(x, phases, count):
    return sum_in_bins(x, bin_pixels(phases, count))


def expected(x, phases, count):
    sums = np.zeros((*x.shape[:-1], count))
    for row, column in np.ndindex(phases.shape):
        if column not in (1, 2):
            sums[..., int(phases[row, column] * count)] += x[..., row * phases.shape[1] + column]
    return sums


def test_pixels_of_the_same_phase_are_summed(library, rng):
    phases = rng.random((9, 7)).astype(np.float32)
    x = rng.normal(0, 1, (3, 63)).astype(np.float32)
    np.testing.assert_allclose(library.run(summed, x, phases, 8), expected(x, phases, 8), atol=1e-5)


def test_a_pixel_exactly_at_an_edge_belongs_to_the_bin_that_begins_there(library):
    phases = (np.arange(400, dtype=np.float64) / 400).astype(np.float32).reshape(50, 8)
    number = library.run(summed, np.ones(400, np.float32), phases, 200)
    whole = np.array([[k for k in range(400) if k % 8 not in (1, 2)]])
    np.testing.assert_array_equal(number, np.bincount(whole.ravel() // 2, minlength=200))


@given(st.integers(1, 40), st.integers(0, 2**31))
def test_nothing_is_lost_but_the_bad_columns(count, seed):
    rng = np.random.default_rng(seed)
    phases = rng.random((6, 5)).astype(np.float32)
    x = rng.normal(0, 1, (2, 30)).astype(np.float32)
    kept = x.reshape(2, 6, 5)[:, :, [0, 3, 4]].sum(axis=(1, 2), dtype=float)
    np.testing.assert_allclose(summed(x, phases, count).sum(axis=-1), kept, atol=1e-5)
