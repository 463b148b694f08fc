import numpy as np
import pytest
from helpers.stub_exposures import ramp, references

from gpipe import dq
from gpipe.controller import Skip
from gpipe.lastframe import LastFrameStep
from gpipe.lastframe.lastframe import flag_last_group


@pytest.mark.parametrize("shape", [(2, 5, 3, 4), (1, 3, 1, 2), (3, 1, 2, 2)])
def test_the_last_group_alone_is_flagged(library, rng, shape):
    groupdq = rng.integers(0, 8, shape).astype(np.uint8)
    out = library.run(flag_last_group, groupdq)
    expected = groupdq.copy()
    for integration in range(shape[0]):
        expected[integration, -1] |= dq.DO_NOT_USE
    assert out.dtype == np.uint8
    np.testing.assert_array_equal(out, expected)


def exposure(groups, instrument="MIRI"):
    return ramp(np.zeros((2, groups, 4, 5), np.float32), instrument=instrument)


def test_step():
    before = exposure(3)
    out = LastFrameStep().apply(before, references())
    assert out.groupdq[:, :, 0, 0].tolist() == [[0, 0, dq.DO_NOT_USE]] * 2
    assert out.data is before.data
    assert out.pixeldq is before.pixeldq


@pytest.mark.parametrize("groups", [1, 2])
def test_too_few_groups_stay_as_they_are(groups):
    with pytest.raises(Skip, match=f"found {groups} groups"):
        LastFrameStep().apply(exposure(groups), references())


@pytest.mark.parametrize(("instrument", "wanted"), [("MIRI", True), ("NIRCAM", False)])
def test_it_is_for_miri_only(instrument, wanted):
    assert LastFrameStep().is_for(exposure(5, instrument).meta) == wanted
