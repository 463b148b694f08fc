from dataclasses import replace

import numpy as np
import pytest
from helpers.simulated import IDEAL, small

from gpipe.simulate import Scene, make_exposure
from gpipe.simulate.charge_migration import migrate

FAINT = Scene(background=1.0, density=4e-3, faintest=1e6, brightest=1.2e6)


def held(rng, shape=(8, 9)):
    return rng.uniform(0, 8e4, shape).astype(np.float32), rng.uniform(0, 500, shape).astype(np.float32)


def slow(arriving, charge, collects, share, onset):
    """Pixel by pixel."""
    out = arriving.astype(float)
    rows, columns = arriving.shape
    for y, x in np.ndindex(rows, columns):
        for row, column in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
            if 0 <= row < rows and 0 <= column < columns and charge[y, x] > onset and collects[row, column]:
                moved = arriving[y, x] * min(0.2, share * max(0.0, charge[y, x] - charge[row, column]) / 1e5)
                out[y, x] -= moved
                out[row, column] += moved
    return out


@pytest.mark.parametrize("share", [0.05, 2.0])
def test_against_a_loop_and_no_charge_is_lost(rng, share):
    charge, arriving = held(rng)
    collects = rng.random(charge.shape) < 0.9
    out = migrate(arriving, charge, collects, share=share, onset=2e4)
    np.testing.assert_allclose(out, slow(arriving, charge, collects, share, 2e4), rtol=1e-5, atol=1e-3)
    assert out.sum() == pytest.approx(arriving.sum(), rel=1e-6)


def test_below_the_onset_charge_stays(rng):
    charge, arriving = held(rng)
    out = migrate(arriving, charge, np.ones(charge.shape, bool), share=1.0, onset=1e5)
    np.testing.assert_array_equal(out, arriving)


def test_bright_pixels_of_an_exposure_slow_down_and_their_neighbours_speed_up():
    still = small(ngroups=8, scene=FAINT)
    moving = replace(still, pixels=replace(IDEAL, charge_migration=0.3))
    (before, truth), (after, _) = make_exposure(still), make_exposure(moving)
    change = after.data[0, -1].astype(float) - before.data[0, -1]
    top = np.unravel_index(np.argmax(truth.rate), truth.rate.shape)
    assert change[top] < -100
    assert change[top[0] + 1, top[1]] > 20
    assert abs(change.sum()) < 0.01 * np.abs(change).sum() + change.size
    np.testing.assert_array_equal(after.data[0, 0], before.data[0, 0])
