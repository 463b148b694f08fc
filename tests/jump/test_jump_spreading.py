import numpy as np
import pytest

from gpipe.jump.after_jump import next_groups
from gpipe.jump.neighbours import neighbours, rows_around


def test_the_four_neighbours(library, rng):
    mask = rng.random((2, 3, 6, 7)) < 0.1
    mask[0, 0] = False
    mask[0, 0, 0, 0] = mask[0, 0, 5, 3] = True
    out = library.run(lambda m: neighbours(*rows_around(m)), mask)
    for i, g, y, x in np.ndindex(mask.shape):
        around = [(y, x), (y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
        assert out[i, g, y, x] == any(mask[i, g, v, u] for v, u in around if 0 <= v < 6 and 0 <= u < 7)


@pytest.mark.parametrize("groups", [0, 1, 2, 3, 5, 6, 100])
def test_the_next_groups(library, rng, groups):
    jumps = rng.random((2, 7, 3, 4)) < 0.15
    out = library.run(next_groups, jumps, groups)
    for i, g, y, x in np.ndindex(jumps.shape):
        assert out[i, g, y, x] == jumps[i, max(0, g - groups) : g + 1, y, x].any()
