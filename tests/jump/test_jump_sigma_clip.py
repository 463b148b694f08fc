import numpy as np
import pytest
from helpers.plain_jumps import sigma_clip

from gpipe.jump.sigma_clip import clipped


@pytest.mark.parametrize("threshold", [1.3, 3.0, 5.0])
@pytest.mark.parametrize("count", [1, 3, 30, 101])
def test_values_outside_of_the_final_bounds(library, rng, count, threshold):
    differences = rng.normal(50, 9, (count, 2, 3, 4)).astype(np.float32)
    differences[rng.random(differences.shape) < 0.04] += 600
    differences[rng.random(differences.shape) < 0.2] = np.nan
    differences[:, 0, 0, 0] = np.nan
    differences[:, 0, 0, 1] = 5
    out = library.run(clipped, differences, threshold)
    for place in np.ndindex(2, 3, 4):
        found = sigma_clip(differences[(slice(None), *place)].tolist(), threshold)
        assert set(np.flatnonzero(out[(slice(None), *place)])) == found


def test_bounds_that_leave_nothing_clip_everything_else():
    """Two values are both one standard deviation from their median."""
    out = clipped(np.array([[1.0], [2.0]], np.float32), 0.5)
    assert out.all()


def test_a_strong_outlier_does_not_hide_a_weaker_one(rng):
    values = rng.normal(0, 1, (200, 1)).astype(np.float32)
    values[10], values[20] = 1e6, 30
    assert set(np.flatnonzero(clipped(values, 5.0)[:, 0])) == {10, 20}
