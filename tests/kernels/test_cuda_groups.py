"""Connected groups of pixels, with the labels of CuPy."""

import numpy as np
import pytest

from gpipe.jump.groups_host import large_groups
from gpipe.kernels.cuda.groups import large_groups as on_the_gpu


def image(seed, density):
    return np.random.default_rng(seed).random((40, 50)) < density


@pytest.mark.parametrize("density", [0.0, 0.05, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("least", [0.0, 1.0, 4.9, 30.0])
def test_groups_are_those_of_the_host(cuda, density, least):
    flagged = image(7, density)
    for found, expected in zip(cuda(on_the_gpu, flagged, least), large_groups(flagged, least), strict=True):
        np.testing.assert_array_equal(found, expected)
