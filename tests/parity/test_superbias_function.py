"""superbias against jwst's: SCI, ZEROFRAME and flags equal, in windows of the reference."""

import numpy as np
import pytest
from helpers.early_steps import (
    COLUMNS,
    CORNER,
    ROWS,
    apply,
    assert_same_ramp,
    ramp_model,
    ramps,
    reference_model,
    window,
)
from helpers.fault_pixels import unknown_reference

pytestmark = pytest.mark.parity


@pytest.mark.parametrize("seed", range(10))
def test_subtraction(seed):
    bias_sub = pytest.importorskip("jwst.superbias.bias_sub")
    from gpipe.superbias import SuperBiasStep

    rng = np.random.default_rng(seed)
    corner, shape = window(rng)
    model = ramp_model(**ramps(rng, shape), corner=corner)
    counts = rng.uniform(0, 9000, (ROWS, COLUMNS)).astype(np.float32)
    counts[rng.random(counts.shape) < 0.05] = np.nan
    flags = rng.integers(0, 2**32, counts.shape, dtype=np.uint32)
    bias = reference_model("SuperBiasModel", data=counts, dq=flags)
    ours = apply(SuperBiasStep(), model, superbias=bias)
    left, top = corner[0] - CORNER[0], corner[1] - CORNER[1]
    unknown = unknown_reference(counts[top : top + shape[0], left : left + shape[1]])
    assert_same_ramp(ours, bias_sub.do_correction(model.copy(), bias.copy()), leave_flags=unknown)
