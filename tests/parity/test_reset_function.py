"""reset against jwst's: SCI and PIXELDQ equal, over integrations and groups of exposure and reference, and segments."""

import numpy as np
import pytest
from helpers.early_steps import COLUMNS, ROWS, apply, assert_same_ramp, ramp_model, ramps, reference_model
from helpers.fault_pixels import unknown_reference

pytestmark = pytest.mark.parity

MIRI = "MIRIFUSHORT"


@pytest.mark.parametrize("seed", range(12))
def test_subtraction(seed):
    reset_sub = pytest.importorskip("jwst.reset.reset_sub")
    from gpipe.reset import ResetStep

    rng = np.random.default_rng(seed)
    nints, ngroups = int(rng.integers(1, 4)), int(rng.integers(1, 6))
    anomaly = rng.normal(0, 30, (nints, ngroups, ROWS, COLUMNS)).astype(np.float32)
    anomaly[rng.random(anomaly.shape) < 0.02] = np.nan
    flags = rng.integers(0, 1 << 31, (ROWS, COLUMNS), dtype=np.uint32)
    reference = reference_model("ResetModel", detector=MIRI, data=anomaly, dq=flags)
    reference.meta.exposure.nints, reference.meta.exposure.ngroups = nints, ngroups

    samples = ramps(rng, (ROWS, COLUMNS))
    segment = {}
    if seed % 2:
        start = int(rng.integers(1, 4))
        segment = {"integration_start": start, "integration_end": start + samples["data"].shape[0] - 1, "nints": 10}
    model = ramp_model(**samples, detector=MIRI, **segment)
    theirs = reset_sub.do_correction(model.copy(), reference.copy())
    unknown = unknown_reference(anomaly)
    assert_same_ramp(apply(ResetStep(), model, reset=reference), theirs, leave_flags=unknown)
    assert (theirs.data != model.data).any()
