"""JumpStep of gpipe and of jwst on a simulated subarray, with references from CRDS and parameters as a user gives them.

Compared: GROUPDQ and PIXELDQ, which must be equal, S_JUMP, and PRIMECRS and EXTNCRS. jwst runs on one core, where
``minimum_groups`` has no effect on it; that parameter is left at its default.
"""

import numpy as np
import pytest

from gpipe.jump import JumpStep
from gpipe.simulate import ExposureConfig

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

SUBARRAY = {"detector": "NRCALONG", "readpatt": "RAPID", "subarray": "SUB64P", "exp_type": "NRC_TSIMAGE", "seed": 5}
OPTIONS = [
    {},
    {"flag_4_neighbors": False, "rejection_threshold": 3.0},
    {"min_jump_to_flag_neighbors": 5.0, "after_jump_flag_dn1": 50.0, "after_jump_flag_time1": 0.12},
    {"min_diffs_single_pass": 5, "after_jump_flag_dn2": 200.0, "after_jump_flag_time2": 10.0},
    {"minimum_sigclip_groups": 20},
    {"minimum_sigclip_groups": 20, "only_use_ints": False, "rejection_threshold": 3.5},
]


def more_hits(shape):
    """Small frames that are read fast have hardly any hits of their own."""
    rng = np.random.default_rng(6)
    size = np.where(rng.random(shape) < 0.01, rng.exponential(500, shape), 0)
    return np.cumsum(size, axis=1).astype(np.float32)


@pytest.mark.parametrize("shape", [(1, 2), (1, 3), (1, 4), (4, 6), (2, 14)], ids=str)
def test_flags_and_keywords(shape, exposure_and_cache):
    jump = pytest.importorskip("jwst.jump")
    from stdatamodels.jwst import datamodels

    nints, ngroups = shape
    exposure = exposure_and_cache(ExposureConfig(**SUBARRAY, nints=nints, ngroups=ngroups))
    with datamodels.RampModel(str(exposure.path)) as model:
        model.data = model.data + more_hits(model.data.shape)
        for options in OPTIONS:
            ours = JumpStep.call(model, configure_log=False, **options)
            theirs = jump.JumpStep.call(model, configure_log=False, **options)
            np.testing.assert_array_equal(ours.groupdq, theirs.groupdq, err_msg=str(options))
            np.testing.assert_array_equal(ours.pixeldq, theirs.pixeldq)
            assert ours.meta.cal_step.jump == theirs.meta.cal_step.jump
            for keyword in ("primary_cosmic_rays", "extended_emission_events"):
                found, expected = getattr(ours.meta.exposure, keyword), getattr(theirs.meta.exposure, keyword)
                assert found == (None if expected is None else pytest.approx(expected))
            assert np.any(theirs.groupdq & 4) == (ngroups > 2)
