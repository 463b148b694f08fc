"""Detector1Pipeline of gpipe and of jwst on the same files: rate and rateints.

Compared: SCI, DQ, ERR, VAR_POISSON and VAR_RNOISE of both products at the tolerances of ``comparison.py``, the shapes,
and which steps ran. Not compared here: dates, versions, logs.
"""

import numpy as np
import pytest
from comparison import compare_rates
from exposures import EXPOSURES

from gpipe.pipeline import Detector1Pipeline
from gpipe.quicklook import pulls

# jwst 3.0.0 raises deprecation and numerical warnings of its own.
pytestmark = [pytest.mark.parity, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
STATUS_OF = ("group_scale", "dq_init", "saturation", "ipc", "superbias", "refpix", "linearity", "dark_sub", "jump")


def width(values):
    return 1.4826 * np.median(np.abs(values - np.median(values)))


@pytest.mark.parametrize("config", EXPOSURES)
def test_products_agree_and_recover_the_truth(config, exposure_and_cache, agree):
    jwst_pipeline = pytest.importorskip("jwst.pipeline")
    from stdatamodels.jwst import datamodels

    exposure = exposure_and_cache(config)
    stem = exposure.path.name.replace("_uncal.fits", "")
    Detector1Pipeline.call(exposure.path, output_dir="ours", configure_log=False)
    jwst_pipeline.Detector1Pipeline.call(str(exposure.path), output_dir="theirs", save_results=True)

    agreements = []
    for suffix in ("rate", "rateints"):
        with (
            datamodels.open(f"ours/{stem}_{suffix}.fits") as ours,
            datamodels.open(f"theirs/{stem}_{suffix}.fits") as theirs,
        ):
            assert type(ours) is type(theirs)
            agreements += compare_rates(suffix, ours, theirs)
            for step in (*STATUS_OF, "ramp_fit", "gain_scale"):
                assert getattr(ours.meta.cal_step, step) == getattr(theirs.meta.cal_step, step), step
            if suffix == "rate":
                recovered = pulls(ours, exposure.truth.rate)
    agree(agreements)
    assert 0.95 < width(recovered) < 1.10
    assert abs(np.median(recovered)) < 0.05
