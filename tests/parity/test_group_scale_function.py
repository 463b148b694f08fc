"""group_scale against jwst's: all of SCI equal."""

import numpy as np
import pytest
from helpers.early_steps import apply, assert_same_ramp, ramp_model, ramps

pytestmark = pytest.mark.parity


@pytest.mark.parametrize("seed", range(3))
def test_rescaled_groups(seed):
    group_scale = pytest.importorskip("jwst.group_scale.group_scale")
    from gpipe.group_scale import GroupScaleStep

    rng = np.random.default_rng(seed)
    model = ramp_model(**ramps(rng, (6, 7)), nframes=int(rng.integers(3, 8)), frame_divisor=8)
    ours = apply(GroupScaleStep(), model)
    theirs = model.copy()
    group_scale.do_correction(theirs)
    assert_same_ramp(ours, theirs)
