"""firstframe against jwst's: GROUPDQ and PIXELDQ equal, over integrations, groups and saturation."""

import numpy as np
import pytest
from helpers.early_steps import apply, assert_same_ramp, ramp_model, ramps

from gpipe.controller import Skip

pytestmark = pytest.mark.parity


@pytest.mark.parametrize("bright_use_group1", [True, False])
@pytest.mark.parametrize("seed", range(8))
def test_flags(seed, bright_use_group1):
    firstframe_sub = pytest.importorskip("jwst.firstframe.firstframe_sub")
    from gpipe.firstframe import FirstFrameStep

    model = ramp_model(**ramps(np.random.default_rng(seed), (6, 7)), detector="MIRIMAGE")
    theirs = firstframe_sub.do_correction(model.copy(), bright_use_group1=bright_use_group1)
    step = FirstFrameStep(bright_use_group1=bright_use_group1)
    if theirs.meta.cal_step.firstframe == "SKIPPED":
        with pytest.raises(Skip):
            apply(step, model)
        return
    assert_same_ramp(apply(step, model), theirs)
    assert (theirs.groupdq != model.groupdq).any()
