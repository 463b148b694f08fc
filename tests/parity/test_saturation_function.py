"""saturation against jwst's: GROUPDQ, PIXELDQ and ZEROFRAME equal, over read patterns, growth and thresholds.

The native kernel and the portable function take turns.
"""

import numpy as np
import pytest
from helpers.early_steps import COLUMNS, ROWS, apply, assert_same_ramp, ramp_model, ramps, reference_model, window

pytestmark = pytest.mark.parity


@pytest.mark.parametrize("seed", range(40))
def test_flags(seed):
    saturation = pytest.importorskip("jwst.saturation.saturation")
    reffile_utils = pytest.importorskip("jwst.lib.reffile_utils")
    from gpipe.backends.numpy import NumpyBackend
    from gpipe.saturation import SaturationStep

    rng = np.random.default_rng(seed)
    corner, shape = window(rng)
    model = ramp_model(**ramps(rng, shape), corner=corner, nframes=int(rng.choice([1, 2, 4, 5, 8])))
    level = rng.uniform(30000, 60000, (ROWS, COLUMNS)).astype(np.float32)
    level[rng.random(level.shape) < 0.05] = np.nan
    flags = rng.choice(np.array([0] * 8 + [1 << 21, 1, 1 << 10], dtype=np.uint32), level.shape)
    reference = reference_model("SaturationModel", data=level, dq=flags)
    bias = None
    if seed % 4:
        counts = rng.uniform(0, 9000, level.shape).astype(np.float32)
        counts[rng.random(level.shape) < 0.05] = np.nan
        bias = reference_model("SuperBiasModel", data=counts)
    grow, by_frames = int(rng.integers(0, 3)), bool(seed % 3)

    ours = apply(
        SaturationStep(n_pix_grow_sat=grow, use_readpatt=by_frames),
        model,
        backend=NumpyBackend(use_kernels=seed % 5 > 1),
        saturation=reference,
        superbias=bias,
    )
    cut = None
    if bias is not None:
        same = reffile_utils.ref_matches_sci(model, bias)
        cut = bias.copy() if same else reffile_utils.get_subarray_model(model, bias)
    theirs = saturation.flag_saturation(model.copy(), reference.copy(), grow, by_frames, bias_model=cut)
    assert_same_ramp(ours, theirs)
    assert (theirs.groupdq != model.groupdq).any()


@pytest.mark.parametrize("nframes", [1, 4])
@pytest.mark.parametrize("seed", range(4))
def test_miri(seed, nframes):
    """No bias applies to MIRI; FASTGRPAVG averages frames."""
    saturation = pytest.importorskip("jwst.saturation.saturation")
    from gpipe.saturation import SaturationStep

    rng = np.random.default_rng([seed, nframes])
    corner, shape = window(rng)
    place = {"corner": corner, "detector": "MIRIMAGE"}
    model = ramp_model(**ramps(rng, shape) | {"zeroframe": None}, **place, nframes=nframes)
    level = rng.uniform(30000, 60000, (ROWS, COLUMNS)).astype(np.float32)
    level[rng.random(level.shape) < 0.05] = np.nan
    reference = reference_model("SaturationModel", detector="MIRIMAGE", data=level, dq=np.zeros(level.shape, np.uint32))
    theirs = saturation.flag_saturation(model.copy(), reference.copy(), 1, True)
    assert_same_ramp(apply(SaturationStep(), model, saturation=reference, superbias=None), theirs)
    assert (theirs.groupdq != model.groupdq).any()
