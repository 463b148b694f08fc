import logging

import numpy as np
import pytest
from helpers.stub_exposures import ramp, references

from gpipe.controller import Skip
from gpipe.group_scale import GroupScaleStep

DATA = np.full((1, 2, 3, 4), 1000, dtype=np.float32)


def test_rescales_by_divisor_over_frames():
    out = GroupScaleStep().apply(ramp(DATA, nframes=5, frame_divisor=4), references())
    np.testing.assert_array_equal(out.data, DATA * 0.8)


@pytest.mark.parametrize(
    ("nframes", "divisor", "level"),
    [(8, None, logging.INFO), (5, 5, logging.INFO), (5, None, logging.WARNING)],
)
def test_skips(nframes, divisor, level):
    with pytest.raises(Skip, match=f"NFRAMES={nframes}") as skip:
        GroupScaleStep().apply(ramp(DATA, nframes=nframes, frame_divisor=divisor), references())
    assert skip.value.level == level
