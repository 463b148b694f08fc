"""charge_migration against jwst 3.0.0: the flags, and the rates of a NIRISS exposure in which charge does migrate.

Compared: GROUPDQ of random ramps, equal; rate and rateints of the whole chain with the step switched on, at the
tolerances of ``comparison.py``. The read-noise variance of ramps that lost groups is part of the latter.
"""

import numpy as np
import pytest
from helpers.comparison import compare_rates
from helpers.early_steps import CORNER, apply, assert_same_ramp, ramp_model, ramps
from helpers.exposures import THOROUGH, charge_migrating

from gpipe import dq
from gpipe.charge_migration import ChargeMigrationStep
from gpipe.pipeline import Detector1Pipeline

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("seed", range(12))
def test_flags_are_those_of_jwst(seed):
    jwst = pytest.importorskip("jwst.charge_migration.charge_migration")
    rng = np.random.default_rng(seed)
    model = ramp_model(**ramps(rng, (int(rng.integers(1, 12)), int(rng.integers(1, 12)))), corner=CORNER)
    model.data[rng.random(model.data.shape) < 0.05] = np.nan
    if model.data.shape[1] < 3:
        pytest.skip("too few groups: the step is skipped")
    threshold = float(rng.uniform(1e4, 6e4))
    ours = apply(ChargeMigrationStep(signal_threshold=threshold), model)
    theirs = jwst.charge_migration(model.copy(), threshold)
    assert_same_ramp(ours, theirs)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, pytest.param(12, marks=THOROUGH)])
@pytest.mark.parametrize("threshold", [16000.0, 25000.0])
def test_rates_are_those_of_jwst(seed, threshold, exposure_and_cache, agree):
    jwst_pipeline = pytest.importorskip("jwst.pipeline")
    from stdatamodels.jwst import datamodels

    path = exposure_and_cache(charge_migrating(seed)).path
    steps = {"charge_migration": {"skip": False, "signal_threshold": threshold, "save_results": True}}
    Detector1Pipeline.call(path, output_dir="ours", steps=steps, configure_log=False)
    jwst_pipeline.Detector1Pipeline.call(str(path), output_dir="theirs", save_results=True, steps=steps)
    stem = path.name.replace("_uncal.fits", "")
    agreements = []
    for suffix in ("rate", "rateints"):
        with (
            datamodels.open(f"ours/{stem}_{suffix}.fits") as ours,
            datamodels.open(f"theirs/{stem}_{suffix}.fits") as theirs,
        ):
            agreements += compare_rates(suffix, ours, theirs)
            assert ours.meta.cal_step.charge_migration == theirs.meta.cal_step.charge_migration == "COMPLETE"
    with (
        datamodels.open(f"ours/{stem}_charge_migration.fits") as ours,
        datamodels.open(f"theirs/{stem}_charge_migration.fits") as theirs,
    ):
        np.testing.assert_array_equal(ours.groupdq, theirs.groupdq)
        assert np.count_nonzero(ours.groupdq & dq.CHARGELOSS) > 50
    agree(agreements)
