"""lastframe against jwst's: GROUPDQ equal."""

import numpy as np
import pytest
from helpers.early_steps import apply, assert_same_ramp, ramp_model, ramps

from gpipe.controller import Skip

pytestmark = pytest.mark.parity


@pytest.mark.parametrize("seed", range(8))
def test_flags(seed):
    lastframe_sub = pytest.importorskip("jwst.lastframe.lastframe_sub")
    from gpipe.lastframe import LastFrameStep

    model = ramp_model(**ramps(np.random.default_rng(seed), (6, 7)), detector="MIRIFULONG")
    theirs = lastframe_sub.do_correction(model.copy())
    if theirs.meta.cal_step.lastframe == "SKIPPED":
        with pytest.raises(Skip):
            apply(LastFrameStep(), model)
        return
    assert_same_ramp(apply(LastFrameStep(), model), theirs)
    assert (theirs.groupdq != model.groupdq).any()
