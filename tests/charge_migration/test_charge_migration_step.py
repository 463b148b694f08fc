import logging

import numpy as np
import pytest
from helpers.stub_exposures import ramp, references

from gpipe import dq
from gpipe.charge_migration import ChargeMigrationStep
from gpipe.controller import Skip


def bright(groups=4):
    data = np.zeros((1, groups, 5, 5), np.float32)
    data[0, :, 2, 2] = 10000.0 * np.arange(1, groups + 1)
    return ramp(data)


def withdrawn(out):
    return np.count_nonzero(out.groupdq == dq.CHARGELOSS | dq.DO_NOT_USE, axis=(0, 2, 3)).tolist()


def test_groups_above_the_threshold_are_withdrawn_with_the_four_neighbours():
    exposure = bright()
    out = ChargeMigrationStep().apply(exposure, references())
    assert withdrawn(out) == [0, 0, 5, 5]
    assert out.data is exposure.data
    assert not exposure.groupdq.any()


@pytest.mark.parametrize(
    ("threshold", "expected"), [(5000, [5, 5, 5, 5]), (35000.0, [0, 0, 0, 5]), (1e6, [0, 0, 0, 0])]
)
def test_signal_threshold(threshold, expected):
    out = ChargeMigrationStep(signal_threshold=threshold).apply(bright(), references())
    assert withdrawn(out) == expected


def test_skipped_unless_wanted():
    assert ChargeMigrationStep().skip


@pytest.mark.parametrize("groups", [1, 2])
def test_two_groups_are_too_few(groups):
    with pytest.raises(Skip, match=f"found {groups} groups") as raised:
        ChargeMigrationStep().apply(bright(groups), references())
    assert raised.value.level == logging.INFO
