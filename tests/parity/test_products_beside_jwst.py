"""Detector1Pipeline of gpipe and of jwst on the same files: rate and rateints.

Compared: SCI, DQ, ERR, VAR_POISSON and VAR_RNOISE of both products at the tolerances of ``comparison.py``, the shapes,
and which steps ran. Not compared here: dates, versions, logs.
"""

import numpy as np
import pytest
from helpers.comparison import compare_rates
from helpers.exposures import EXPOSURES
from helpers.miri_parameters import steps

from gpipe.pipeline import Detector1Pipeline
from gpipe.quicklook import pulls
from gpipe.simulate.showers import draw_cloud

# jwst 3.0.0 raises deprecation and numerical warnings of its own.
pytestmark = [pytest.mark.parity, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
STATUS_OF = (
    "group_scale", "dq_init", "emicorr", "saturation", "ipc", "superbias", "refpix", "firstframe", "lastframe", "reset",
    "linearity", "rscd", "dark_sub", "jump",
)  # fmt: skip


def undisturbed(truth):
    """The true rates; NaN where MIRI's showers fell, whose fading glow is too faint to be flagged."""
    clear = np.ones(truth.rate.shape, bool)
    for shower in () if truth.showers is None else truth.showers:
        clear &= draw_cloud(shower, clear.shape) < 1
    return np.where(clear, truth.rate, np.nan)


def width(values):
    return 1.4826 * np.median(np.abs(values - np.median(values)))


@pytest.mark.parametrize("config", EXPOSURES)
def test_products_agree_and_recover_the_truth(config, exposure_and_cache, agree):
    jwst_pipeline = pytest.importorskip("jwst.pipeline")
    from stdatamodels.jwst import datamodels

    exposure = exposure_and_cache(config)
    stem = exposure.path.name.replace("_uncal.fits", "")
    given = {"steps": steps(config)}
    Detector1Pipeline.call(exposure.path, output_dir="ours", configure_log=False, **given)
    jwst_pipeline.Detector1Pipeline.call(str(exposure.path), output_dir="theirs", save_results=True, **given)

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
                recovered = pulls(ours, undisturbed(exposure.truth))
    agree(agreements)
    recovered = recovered[np.isfinite(recovered)]
    assert recovered.size > 1000
    assert 0.95 < width(recovered) < 1.10
    assert abs(np.median(recovered)) < 0.05
