"""Each step of gpipe and of jwst on the same input: what jwst's step before it gave.

Compared: SCI, GROUPDQ, PIXELDQ and ZEROFRAME after each step; rate and rateints after ramp_fit. A difference here is
a difference of this step alone.
"""

import numpy as np
import pytest
from helpers.comparison import compare_ramps, compare_rates
from helpers.exposures import STEP_BY_STEP
from helpers.miri_parameters import steps

from gpipe.pipeline import Detector1Pipeline

# jwst 3.0.0 raises deprecation and numerical warnings of its own.
pytestmark = [pytest.mark.parity, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
RAMP_STEPS = (
    "group_scale", "dq_init", "saturation", "ipc", "superbias", "refpix", "linearity", "dark_current", "jump",
)  # fmt: skip
MIRI_RAMP_STEPS = (
    "group_scale", "dq_init", "emicorr", "saturation", "ipc", "lastframe", "reset", "linearity", "rscd", "dark_current",
    "refpix", "jump",
)  # fmt: skip


@pytest.mark.parametrize("config", STEP_BY_STEP)
def test_each_step_agrees_on_the_same_input(config, exposure_and_cache, agree):
    jwst_pipeline = pytest.importorskip("jwst.pipeline")
    from stdatamodels.jwst import datamodels

    exposure = exposure_and_cache(config)
    theirs_of, ours_of = jwst_pipeline.Detector1Pipeline.step_defs, Detector1Pipeline.step_defs
    noise = np.float32(exposure.config.sca.read_noise / exposure.config.sca.gain)
    agreements = []
    model = datamodels.RampModel(str(exposure.path))
    given = steps(config)
    names = MIRI_RAMP_STEPS if config.sca.instrument == "MIRI" else RAMP_STEPS
    for name in (name for name in names if not given.get(name, {}).get("skip")):
        ours = ours_of[name].call(model, configure_log=False, **given.get(name, {}))
        theirs = theirs_of[name].call(model, **given.get(name, {}))
        agreements += compare_ramps(name, ours, theirs, noise)
        model.close()
        model = theirs
    ours, theirs = ours_of["ramp_fit"].call(model, configure_log=False), theirs_of["ramp_fit"].call(model)
    for suffix, our_product, their_product in zip(("rate", "rateints"), ours, theirs, strict=True):
        agreements += compare_rates(f"ramp_fit {suffix}", our_product, their_product)
    agree(agreements)
