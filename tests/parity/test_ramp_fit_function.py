"""``fit_ramps`` and its native kernel beside stcal 1.20.0, algorithm OLS_C, on small random ramps of every regime.

Compared: DQ, which must be equal; rates within 1e-4 of the larger of value and error; variances and errors within
1e-3; NaN in the same places; and all arrays of the optional results. Left out is what gpipe does otherwise on purpose
(docs/steps/ramp_fit.md): ramps without a segment that are not flagged throughout, and the pixels that
helpers/fault_pixels.py names. NaN samples are given to stcal as DO_NOT_USE.
"""

from dataclasses import fields, replace

import numpy as np
import pytest
from helpers.fault_pixels import integration_without_a_rate, negative_dark, unknown_noise
from helpers.ramp_parity import CHARGELOSS, DO_NOT_USE, JUMP_DET, assert_close, assert_rates, ramps

from gpipe.backends import native
from gpipe.ramp_fitting.fit import FitOptions, fit_ramps

pytestmark = pytest.mark.parity

VERSIONS = (fit_ramps, native.find(fit_ramps, native.CPU))
GROUPS = (1, 2, 3, 4, 5, 6, 8, 10, 13, 20)


def by_stcal(exposure, timing, *, suppress, save_opt=True, cores="1"):
    """Native, contiguous copies go in: stcal's C code changes its arguments."""
    ramp_fit = pytest.importorskip("stcal.ramp_fitting.ramp_fit")
    from stcal.ramp_fitting.ramp_fit_class import RampData
    from stdatamodels.jwst.datamodels import dqflags

    e = {name: None if x is None else x.copy() for name, x in exposure.items()}
    job = RampData()
    job.algorithm = "OLS_C"
    dark = np.zeros_like(e["gain"]) if e["dark_current"] is None else e["dark_current"]
    original = e["groupdq"].copy() if (e["groupdq"] & CHARGELOSS).any() else None
    job.set_arrays(e["data"], e["groupdq"], e["pixeldq"], dark, orig_gdq=original, zeroframe=e["zeroframe"])
    job.set_meta("NIRCAM", timing.frame_time, timing.group_time, timing.gap, timing.frames, timing.dropped_first)
    job.set_dqflags(dqflags.pixel)
    job.start_row, job.num_rows = 0, e["data"].shape[2]
    job.suppress_one_group_ramps = suppress and e["data"].shape[1] > 1
    with np.errstate(all="ignore"):
        return ramp_fit.ramp_fit_data(job, save_opt, e["readnoise"], e["gain"], "OLS_C", "optimal", cores)


def left_out(exposure, suppress):
    return {
        "leave": unknown_noise(exposure) | negative_dark(exposure),
        "leave_photons": integration_without_a_rate(exposure["data"], exposure["groupdq"], suppress=suppress),
    }


def assert_optional(ours, theirs, exposure, leave, leave_photons):
    odd = ~(exposure["gain"] > 0) | ~(exposure["readnoise"] > 0)  # these pixels have no rate
    for f in fields(ours):
        found, expected = getattr(ours, f.name), theirs[f.name]
        if f.name == "pedestal":
            assert_close(found, expected, relative=1e-3, error=1.0, leave=odd | leave, what=f.name)
            continue
        planes = min(found.shape[1], expected.shape[1])
        assert (found[:, planes:] == 0).all()
        assert (expected[:, planes:] == 0).all()
        noise = np.sqrt(np.abs(theirs["var_poisson"]) + theirs["var_rnoise"]) if f.name == "slope" else 0.0
        noise = theirs["sigyint"] if f.name == "yint" else noise
        noise = noise[:, :planes] if np.ndim(noise) else noise
        left = odd | leave_photons if f.name == "var_poisson" else odd
        assert_close(found[:, :planes], expected[:, :planes], relative=1e-3, error=noise, leave=left, what=f.name)


def compare(exposure, timing, *, suppress, **how):
    theirs = by_stcal(exposure, timing, suppress=suppress)
    options = FitOptions(timing=timing, suppress_one_group=suppress, segments=True, restore_charge_loss=True)
    left = left_out(exposure, suppress)
    odd_photons = left["leave_photons"] | negative_dark(exposure)
    for function in VERSIONS:
        ours = function(**exposure, options=options, **how)
        assert_rates(ours.exposure, theirs[0], "rate", **left)
        assert_rates(ours.integrations, theirs[1], "rateints", **left)
        # Segments are the portable function's, so that the kernel itself runs only without them.
        options = replace(options, segments=False)
        if ours.segments is not None:
            empty = theirs[1]["slope"] == 0
            assert_optional(ours.segments, theirs[2], exposure, leave=empty, leave_photons=odd_photons)
    return theirs


@pytest.mark.parametrize("suppress", [True, False])
@pytest.mark.parametrize("zeroframe", [True, False])
@pytest.mark.parametrize("groups", GROUPS)
@pytest.mark.parametrize("integrations", [1, 4])
def test_random_ramps(integrations, groups, zeroframe, suppress):
    exposure, timing = ramps(groups + integrations, integrations, groups)
    if not zeroframe:
        exposure |= {"zeroframe": None, "dark_current": None}
    fitted = compare(exposure, timing, suppress=suppress)[0]["slope"]
    assert np.isfinite(fitted).any()


@pytest.mark.parametrize("groups", [2, 3, 5, 10])
@pytest.mark.parametrize("suppress", [True, False])
def test_charge_loss(groups, suppress):
    exposure, timing = ramps(groups, 2, groups, lost=0.15)
    compare(exposure, timing, suppress=suppress)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("groups", [1, 3, 8])
def test_what_is_not_finite_is_what_do_not_use_is_to_stcal(groups, value):
    exposure, timing = ramps(groups, 2, groups, shape=(6, 30))
    holes = np.random.default_rng(groups).random(exposure["data"].shape) < 0.05
    flagged = exposure | {"groupdq": exposure["groupdq"] | holes.astype(np.uint8)}
    flagged["data"] = np.where(holes, np.float32(0), exposure["data"])
    holed = exposure | {"data": np.where(holes, np.float32(value), exposure["data"])}
    theirs = by_stcal(flagged, timing, suppress=True)
    left = left_out(holed, True)
    for function in VERSIONS:
        ours = function(**holed, options=FitOptions(timing=timing))
        assert_rates(ours.integrations, theirs[1], "rateints", **left)
        assert_rates(ours.exposure, theirs[0], "rate", **left)


SPECIAL = {
    "dark current of NaN": ("dark_current", np.nan),
    "NO_GAIN_VALUE although the gain is known": ("pixeldq", 1 << 19),
    "negative gain": ("gain", -1.5),
    "gain of NaN": ("gain", np.nan),
    "read noise of NaN": ("readnoise", np.nan),
}


@pytest.mark.parametrize("suppress", [True, False])
@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("case", SPECIAL)
def test_special_references_and_flags(case, groups, suppress):
    exposure, timing = ramps(0, 2, groups)
    plane, value = SPECIAL[case]
    exposure[plane][3:5] = value
    theirs = by_stcal(exposure, timing, suppress=suppress, save_opt=False)
    left = left_out(exposure, suppress)
    for function in VERSIONS:
        ours = function(**exposure, options=FitOptions(timing=timing, suppress_one_group=suppress))
        assert_rates(ours.exposure, theirs[0], "rate", **left)
        assert_rates(ours.integrations, theirs[1], "rateints", **left)


def test_ramps_without_a_segment_are_where_gpipe_differs():
    exposure, timing = ramps(0, 1, 4)
    exposure["groupdq"][:] = JUMP_DET
    theirs = by_stcal(exposure, timing, suppress=True)[0]
    ours = fit_ramps(**exposure, options=FitOptions(timing=timing)).exposure
    free = (exposure["pixeldq"] & 3 == 0) & (exposure["gain"] > 0)
    assert (theirs["slope"][free] == 0).all()
    assert not (theirs["dq"][free] & DO_NOT_USE).any()
    assert np.isnan(ours.slope).all()
    assert (ours.dq & DO_NOT_USE).all()
