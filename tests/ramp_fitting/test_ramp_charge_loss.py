"""Read-noise variance of ramps that lost groups to charge migration."""

import numpy as np
import pytest
from helpers.ramp_regimes import CHARGELOSS, DO_NOT_USE, random_ramps
from helpers.ramp_runs import run, straight

from gpipe.ramp_fitting.charge_loss import has_charge_loss
from gpipe.ramp_fitting.fit import FitOptions

TIMING = random_ramps(0, 1, 2)[1]
LOST = CHARGELOSS | DO_NOT_USE


def fitted(library, ramps, restore=True):
    return run(library, ramps, FitOptions(timing=TIMING, restore_charge_loss=restore))


def test_the_variance_is_that_of_the_whole_ramp_and_nothing_else_changes(library):
    whole, cut = straight(groups=8, integrations=2), straight(groups=8, integrations=2)
    cut["groupdq"][:, 4:, 0, 0] = LOST
    cut["groupdq"][0, 2:, 0, 1] = LOST
    all_groups, left, out = fitted(library, whole), fitted(library, cut, restore=False), fitted(library, cut)
    for part in ("exposure", "integrations"):
        now, before, expected = (getattr(o, part) for o in (out, left, all_groups))
        assert (before.var_rnoise[..., :2] > expected.var_rnoise[..., :2]).any()
        np.testing.assert_allclose(now.var_rnoise, expected.var_rnoise, rtol=1e-6)
        for name in ("slope", "dq", "var_poisson", "err"):
            np.testing.assert_array_equal(getattr(now, name), getattr(before, name))


def test_a_ramp_that_is_suppressed_for_its_one_good_group_counts_whole(library):
    whole, cut = straight(groups=5), straight(groups=5)
    cut["groupdq"][:, 1:, 0, 0] = LOST
    out = fitted(library, cut)
    assert np.isnan(out.exposure.slope[0, 0])
    np.testing.assert_allclose(out.exposure.var_rnoise, fitted(library, whole).exposure.var_rnoise, rtol=1e-6)


@pytest.mark.parametrize("flag", [LOST, DO_NOT_USE])
def test_has_charge_loss(library, flag):
    groupdq = np.zeros((1, 3, 2, 2), np.uint8)
    groupdq[0, 2, 1, 0] = flag
    assert bool(library.run(has_charge_loss, groupdq)) is (flag == LOST)
