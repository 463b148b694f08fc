"""DarkPipeline of gpipe and of jwst on the same dark exposures: the calibrated ramp.

Compared: SCI, GROUPDQ, PIXELDQ and ZEROFRAME at the tolerances of ``comparison.py``, which steps ran, and which
references are recorded. Not compared: the name; without a parameter file in CRDS jwst calls it ``_darkpipeline``.
"""

import numpy as np
import pytest
from helpers.comparison import compare_ramps
from helpers.exposures import DARKS

from gpipe.pipeline import DarkPipeline

# jwst 3.0.0 raises deprecation and numerical warnings of its own.
pytestmark = [pytest.mark.parity, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
STEPS = (
    "group_scale", "dq_init", "emicorr", "saturation", "ipc", "firstframe", "lastframe", "reset", "superbias", "refpix",
    "linearity", "rscd", "dark_sub", "jump",
)  # fmt: skip
REFERENCES = ("mask", "saturation", "superbias", "linearity", "ipc", "dark", "refpix", "reset", "rscd")


@pytest.mark.parametrize("config", DARKS.values(), ids=DARKS.keys())
def test_dark_ramps_agree(config, exposure_and_cache, agree):
    jwst_pipeline = pytest.importorskip("jwst.pipeline")
    exposure = exposure_and_cache(config)
    ours = DarkPipeline.call(exposure.path, configure_log=False)
    theirs = jwst_pipeline.DarkPipeline.call(str(exposure.path))
    assert type(ours) is type(theirs)
    agree(compare_ramps("dark", ours, theirs, np.float32(config.sca.read_noise / config.sca.gain)))
    for step in STEPS:
        assert getattr(ours.meta.cal_step, step) == getattr(theirs.meta.cal_step, step), step
    for reftype in REFERENCES:
        recorded = [m.meta.ref_file.instance.get(reftype) for m in (ours, theirs)]
        assert recorded[0] == recorded[1], reftype
