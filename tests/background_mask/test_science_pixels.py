import numpy as np
import pytest

from gpipe import dq
from gpipe.background_mask.scene import science_pixels


@pytest.mark.parametrize("integrations", [None, 2])
def test_lit_pixels_and_those_behind_open_shutters(library, integrations):
    lit = np.zeros((3, 4), bool)
    lit[0, 1] = True
    flags = np.zeros((3, 4) if integrations is None else (integrations, 3, 4), np.uint32)
    flags[..., 1, 1], flags[..., 2, 2] = dq.MSA_FAILED_OPEN | dq.JUMP_DET, dq.DO_NOT_USE
    expected = lit.copy()
    expected[1, 1] = True
    np.testing.assert_array_equal(library.run(science_pixels, lit, flags), expected)
