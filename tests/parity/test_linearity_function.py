"""linearity against jwst's, in windows of the reference.

SCI is equal where each group is corrected by itself. Where frames are corrected one by one jwst computes in double
precision and gpipe in single, so counts agree to a few roundings of the largest number in the calculation.
"""

import numpy as np
import pytest
from helpers.early_steps import COLUMNS, ROWS, apply, assert_same_ramp, ramp_model, ramps, reference_model, window

pytestmark = pytest.mark.parity


def polynomial(rng, bend):
    """Coefficients near S + bend S^2, with some that are NaN and some without a linear term."""
    coeffs = rng.normal(size=(5, ROWS, COLUMNS)) * np.array([5, 0.01, 1e-8, 1e-12, 1e-17])[:, None, None]
    coeffs[1] += 1
    coeffs[2] += bend
    coeffs[rng.random(coeffs.shape) < 0.01] = np.nan
    coeffs[1][rng.random((ROWS, COLUMNS)) < 0.03] = 0
    return coeffs.astype(np.float32)


def case(seed, **arrays):
    rng = np.random.default_rng(seed)
    corner, shape = window(rng)
    samples = ramps(rng, shape)
    if samples["data"].shape[1] == 1:  # jwst fails on a single group of averaged frames
        samples = ramps(np.random.default_rng(seed + 1000), shape)
    flags = rng.choice(np.array([0] * 8 + [1 << 20, 1, 1 << 16], dtype=np.uint32), (ROWS, COLUMNS))
    coeffs = {name: polynomial(rng, bend) for name, bend in arrays.items()}
    return samples, corner, reference_model("LinearityModel", **coeffs, dq=flags), int(rng.choice([2, 4, 5, 8]))


def both(model, reference):
    linearity = pytest.importorskip("jwst.linearity.linearity")
    from gpipe.linearity import LinearityStep

    return apply(LinearityStep(), model, linearity=reference), linearity.do_correction(model.copy(), reference.copy())


@pytest.mark.parametrize("seed", range(20))
def test_groups_by_themselves(seed):
    samples, corner, reference, nframes = case(seed, coeffs=2e-6)
    ours, theirs = both(ramp_model(**samples, corner=corner, nframes=nframes), reference)
    assert_same_ramp(ours, theirs)
    assert (theirs.data != samples["data"]).any()


@pytest.mark.parametrize("seed", range(20))
def test_frames_one_by_one(seed):
    samples, corner, reference, nframes = case(seed, coeffs=2e-6, inv_coeffs=-2e-6)
    ours, theirs = both(ramp_model(**samples, corner=corner, nframes=nframes), reference)
    assert_same_ramp(ours, theirs, rtol=1e-6, atol=0.05)


@pytest.mark.parametrize("exposure", [{"nframes": 1}, {"nframes": 4, "read_times": [[1.0], [2.0]]}])
def test_when_frames_are_not_corrected_one_by_one(exposure):
    samples, corner, reference, _ = case(3, coeffs=2e-6, inv_coeffs=-2e-6)
    ours, theirs = both(ramp_model(**samples, corner=corner, **exposure), reference)
    assert_same_ramp(ours, theirs)


@pytest.mark.parametrize(("nframes", "tolerance"), [(1, {}), (4, {"rtol": 1e-6, "atol": 0.05})])
@pytest.mark.parametrize("seed", range(4))
def test_miri(seed, nframes, tolerance):
    """A tenth at 50000 DN; groups of several frames (FASTGRPAVG) where the reference has the inverse."""
    rng = np.random.default_rng([seed, nframes])
    samples = ramps(rng, (ROWS, COLUMNS)) | {"zeroframe": None}
    if samples["data"].shape[1] == 1:  # jwst fails on a single group of averaged frames
        samples = ramps(np.random.default_rng([seed, 1000]), (ROWS, COLUMNS)) | {"zeroframe": None}
    coeffs = {"coeffs": polynomial(rng, 2e-6), "inv_coeffs": polynomial(rng, -2e-6)}
    flags = rng.choice(np.array([0] * 8 + [1 << 20, 1, 1 << 16], dtype=np.uint32), (ROWS, COLUMNS))
    reference = reference_model("LinearityModel", detector="MIRIFULONG", **coeffs, dq=flags)
    ours, theirs = both(ramp_model(**samples, detector="MIRIFULONG", nframes=nframes), reference)
    assert_same_ramp(ours, theirs, **tolerance)
    assert (theirs.data != samples["data"]).any()
