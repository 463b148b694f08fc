from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpipe.clean_flicker_noise.stripes import fit_stripes


@pytest.mark.parametrize("by_channel", [False, True])
@pytest.mark.parametrize("axis", [0, 1])
def test_against_a_loop(library, rng, axis, by_channel):
    image, mask = rng.normal(0, 1, (16, 24)).astype(np.float32), rng.random((16, 24)) < 0.4
    found = library.run(partial(fit_stripes, axis=axis, by_channel=by_channel), image, mask)
    expected = np.zeros_like(image)
    parts = np.split(np.arange(image.shape[axis]), 4 if by_channel else 1)
    for line in range(image.shape[1 - axis]):
        for part in parts:
            at = (line, part) if axis == 1 else (part, line)
            values = image[at][mask[at]]
            expected[at] = np.median(values) if len(values) else 0
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@given(st.integers(0, 1000))
def test_stripes_alone_are_found_exactly(seed):
    rng = np.random.default_rng(seed)
    stripes = np.broadcast_to(rng.normal(0, 5, (12, 1)).astype(np.float32), (12, 9))
    mask = rng.random((12, 9)) < 0.5
    mask[:, 0] = True
    np.testing.assert_array_equal(fit_stripes(stripes, mask, axis=1), stripes)
