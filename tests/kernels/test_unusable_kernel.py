"""What jump and ramp_fit summary, beside the portable function."""

import numpy as np
import pytest

from gpipe import dq
from gpipe.arrays.unusable import unusable_rows
from gpipe.backends import native


def flags(share):
    """Rows that are DO_NOT_USE as a whole, that have other flags too, and that have one pixel without, anywhere."""
    rng = np.random.default_rng(3)
    groupdq = rng.choice(np.array([dq.DO_NOT_USE, 0xFF], np.uint8), (3, 4, 20, 9))
    groupdq[rng.random(groupdq.shape) < share] = 0xFF - dq.DO_NOT_USE
    groupdq[:, 1] |= np.uint8(dq.DO_NOT_USE)
    return groupdq


@pytest.mark.parametrize("share", [0.0, 0.05, 1.0])
def test_every_row_of_every_group(share):
    given = flags(share)
    given.flags.writeable = False
    for chunk in (given, given[..., 3:11, :]):
        found, expected = native.find(unusable_rows, native.CPU)(chunk), unusable_rows(chunk)
        np.testing.assert_array_equal(found, expected, strict=True)
        assert expected[:, 1, :].all()
