"""Orientations of arrays as jwst has them."""

import itertools

import numpy as np
import pytest

pytest.importorskip("jwst")

from jwst.lib import reffile_utils as theirs

from gpipe.lib import reffile_utils as ours

pytestmark = pytest.mark.parity


@pytest.mark.parametrize(("fast", "slow"), [*itertools.product([1, -1], [2, -2]), *itertools.product([2, -2], [1, -1])])
@pytest.mark.parametrize("name", ["science_detector_frame_transform", "detector_science_frame_transform"])
def test_frames(name, fast, slow):
    data = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(getattr(ours, name)(data, fast, slow), getattr(theirs, name)(data, fast, slow))
