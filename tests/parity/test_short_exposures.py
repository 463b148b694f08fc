"""Detector1Pipeline of gpipe and of jwst on exposures with few groups or one integration, and on time series.

Compared: SCI, DQ, ERR, VAR_POISSON and VAR_RNOISE of rate and rateints at the tolerances of ``comparison.py``, the
calibrated ramp, and which steps ran. One small subarray of each instrument. VAR_POISSON is proportional to the rate, so
where the rate is less than a tenth of its error it has the tolerance of the rate, 1e-4 of the error. Pixels that
helpers/fault_pixels.py names are left out of it. NIRSpec's
subarrays without an edge get a spectrum that fades towards the outer columns, which refpix takes for unlit.
"""

import numpy as np
import pytest
from helpers.comparison import SCIENCE_TOLERANCE, VARIANCE_TOLERANCE, compare_ramps, compare_rates, compare_values
from helpers.exposures import SHORT, THOROUGH, TIME_SERIES, TIME_SERIES_STEPS, few_groups, one_integration, time_series
from helpers.fault_pixels import integration_without_a_rate, large_variance

from gpipe.pipeline import Detector1Pipeline

# jwst 3.0.0 raises deprecation and numerical warnings of its own.
pytestmark = [pytest.mark.parity, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
STATUS_OF = (
    "group_scale", "dq_init", "saturation", "ipc", "superbias", "refpix", "linearity", "dark_sub", "jump", "emicorr",
    "firstframe", "lastframe", "reset", "rscd", "charge_migration", "persistence", "clean_flicker_noise",
    "picture_frame", "ramp_fit", "gain_scale",
)  # fmt: skip


def products_of(config, exposure_and_cache, **given):
    """Our products and those of jwst, by suffix."""
    jwst_pipeline = pytest.importorskip("jwst.pipeline")
    from stdatamodels.jwst import datamodels

    exposure = exposure_and_cache(config, full_frame=False)
    stem = exposure.path.name.replace("_uncal.fits", "")
    given = {"save_calibrated_ramp": True} | given
    Detector1Pipeline.call(exposure.path, output_dir="ours", configure_log=False, **given)
    jwst_pipeline.Detector1Pipeline.call(str(exposure.path), output_dir="theirs", save_results=True, **given)
    return {
        suffix: tuple(datamodels.open(f"{folder}/{stem}_{suffix}.fits") for folder in ("ours", "theirs"))
        for suffix in ("ramp", "rate", "rateints")
    }


def compare_poisson(suffix, ours, theirs, rate, leave):
    """Poisson variances, which come from the rate of the exposure."""
    kept = ~(large_variance(ours, theirs.var_poisson, theirs.var_rnoise, theirs.err) | leave)
    share = SCIENCE_TOLERANCE / VARIANCE_TOLERANCE
    faint = share * theirs.err / np.maximum(np.abs(np.nan_to_num(rate)), np.finfo(np.float32).tiny)
    scale = np.abs(theirs.var_poisson) * np.maximum(1, faint)
    plane = f"{suffix} VAR_POISSON"
    return compare_values(plane, ours.var_poisson[kept], theirs.var_poisson[kept], scale[kept], VARIANCE_TOLERANCE)


def compare_all(config, products):
    noise = np.float32(config.sca.read_noise / config.sca.gain)
    agreements = compare_ramps("ramp", *products["ramp"], noise)
    leave = integration_without_a_rate(products["ramp"][0].data, products["ramp"][0].groupdq)
    for suffix in ("rate", "rateints"):
        ours, theirs = products[suffix]
        rates = compare_rates(suffix, ours, theirs, leave_photons=leave)
        agreements += [a for a in rates if not a.plane.endswith("POISSON")]
        agreements.append(compare_poisson(suffix, ours, theirs, products["rate"][1].data, leave))
    for ours, theirs in products.values():
        assert type(ours) is type(theirs)
        for step in STATUS_OF:
            assert getattr(ours.meta.cal_step, step) == getattr(theirs.meta.cal_step, step), step
    return agreements


@pytest.mark.parametrize("nints", [pytest.param(1, marks=THOROUGH), 2])
@pytest.mark.parametrize("ngroups", [1, 2, 3])
@pytest.mark.parametrize("kind", SHORT)
def test_few_groups(kind, ngroups, nints, exposure_and_cache, agree):
    config = few_groups(kind, ngroups, nints)
    products = products_of(config, exposure_and_cache)
    agree(compare_all(config, products))
    assert products["rateints"][0].data.shape[0] == nints


@pytest.mark.parametrize("kind", SHORT)
def test_one_integration(kind, exposure_and_cache, agree):
    config = one_integration(kind)
    agree(compare_all(config, products_of(config, exposure_and_cache)))


@pytest.mark.parametrize("kind", TIME_SERIES)
def test_time_series(kind, exposure_and_cache, agree):
    config = time_series(kind)
    products = products_of(config, exposure_and_cache, steps=TIME_SERIES_STEPS)
    agree(compare_all(config, products))
    ours, theirs = products["rateints"]
    for column in ours.int_times.dtype.names:
        np.testing.assert_array_equal(ours.int_times[column], theirs.int_times[column])
