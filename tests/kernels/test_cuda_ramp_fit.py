"""The CUDA kernel for ramp fits beside the portable function: DQ and NaN equal, values to float32 rounding."""

from dataclasses import fields, replace

import numpy as np
import pytest
from helpers.ramp_regimes import random_ramps
from hypothesis import given, settings
from hypothesis import strategies as st

from gpipe import dq
from gpipe.kernels.cuda.ramp_fit import fit_ramps
from gpipe.ramp_fitting import fit
from gpipe.ramp_fitting.fit import FitOptions

ROUNDING = 2e-6  # of a value; sums over integrations may be taken in another order
NAMES = ("data", "groupdq", "pixeldq", "readnoise", "gain")


def assert_same(cuda, ramps, options):
    arrays = [ramps[name] for name in NAMES]
    more = {name: ramps[name] for name in ("dark_current", "zeroframe")}
    with np.errstate(all="ignore"):
        expected = fit.fit_ramps(*arrays, options=options, **more)
        found = cuda(fit_ramps, *arrays, options=options, **more)
    for part in ("exposure", "integrations"):
        for field in fields(getattr(expected, part)):
            ours, theirs = (getattr(getattr(x, part), field.name) for x in (found, expected))
            assert ours.dtype == theirs.dtype, field.name
            np.testing.assert_allclose(ours, theirs, rtol=ROUNDING, atol=0, err_msg=f"{part}.{field.name}")
    return found


# Medians have a kernel version for up to 8, up to 16, up to 32 and for more steps.
@pytest.mark.parametrize("groups", [1, 2, 3, 9, 14, 30, 45])
@pytest.mark.parametrize("integrations", [1, 3])
@pytest.mark.parametrize("suppress", [True, False])
def test_every_regime(cuda, groups, integrations, suppress):
    for seed in range(3):
        ramps, timing = random_ramps(seed, integrations, groups, lost=0.05)
        ramps["data"][0, groups // 2, 3, :4] = np.nan, np.inf, -np.inf, np.nan
        assert_same(cuda, ramps, FitOptions(timing=timing, suppress_one_group=suppress))


@pytest.mark.parametrize("groups", [1, 2, 5, 12])
def test_ramps_that_lost_groups_to_charge_migration(cuda, groups):
    for seed in range(3):
        ramps, timing = random_ramps(seed, 2, groups, lost=0.3)
        for suppress in (True, False):
            options = FitOptions(timing=timing, suppress_one_group=suppress, restore_charge_loss=True)
            assert_same(cuda, ramps, options)


@pytest.mark.parametrize("groups", [1, 2, 5, 12])
@pytest.mark.parametrize("suppress", [True, False])
def test_a_jump_of_the_first_group_that_says_nothing(cuda, groups, suppress):
    ramps, timing = random_ramps(groups, 2, groups, lost=0.1)
    ramps["groupdq"][:, 0, ::2] |= dq.JUMP_DET
    options = FitOptions(timing=timing, suppress_one_group=suppress, restore_charge_loss=True)
    heeded = assert_same(cuda, ramps, options)
    ignored = assert_same(cuda, ramps, replace(options, ignore_first_jump=True))
    assert np.any(ignored.integrations.dq != heeded.integrations.dq)


def test_variances_of_any_size_or_no_rate(cuda):
    ramps, timing = random_ramps(0, 2, 5, (8, 16), bad_pixels=False)
    ramps["readnoise"] *= 10.0 ** np.arange(0, 16, 2, dtype=np.float32)[:, None]
    ramps["gain"] *= 10.0 ** -np.arange(0, 16, dtype=np.float32)
    ramps["dark_current"][2, :4] = np.nan, np.inf, -np.inf, -1e3
    found = assert_same(cuda, ramps, FitOptions(timing=timing)).exposure
    fitted = np.isfinite(found.slope)
    assert 0.1 < np.mean(fitted) < 0.9
    assert (found.var_rnoise[fitted] > 0).all()
    assert (found.dq[~fitted] & dq.DO_NOT_USE).all()


@pytest.mark.parametrize("zeroframe", [True, False])
def test_only_groups_beside_ramps_and_without_any(cuda, zeroframe):
    ramps, timing = random_ramps(3, 3, 5, bad_pixels=False)
    ramps["groupdq"][2] = np.array([1, 1, 0, 2, 2], np.uint8)[:, None, None]
    ramps["groupdq"][:, :, 2:4] = np.array([1, 0, 4, 4, 1], np.uint8)[:, None, None]
    ramps["groupdq"][1, :, 3] = dq.SATURATED
    ramps |= {"pixeldq": np.zeros_like(ramps["pixeldq"]), "zeroframe": ramps["zeroframe"] if zeroframe else None}
    found = assert_same(cuda, ramps, FitOptions(timing=timing, suppress_one_group=False)).exposure
    assert np.isfinite(found.slope[2:4]).all()


def test_limits_without_extras(cuda):
    ramps, timing = random_ramps(1, 2, 9)
    ramps |= {"dark_current": None, "zeroframe": None}
    assert_same(cuda, ramps, FitOptions(timing=timing, first_group=1, last_group=6))


def test_strided_arguments_are_taken_and_not_written_to(cuda):
    ramps, timing = random_ramps(2, 2, 6, (8, 12))
    before = {name: x.copy() for name, x in ramps.items()}
    for x in ramps.values():
        x.flags.writeable = False
    assert_same(cuda, {name: x[..., ::2, 1::3] for name, x in ramps.items()}, FitOptions(timing=timing))
    for name, x in ramps.items():
        np.testing.assert_array_equal(x, before[name])


def test_segments_are_left_to_the_portable_function(cuda):
    ramps, timing = random_ramps(0, 2, 6)
    assert assert_same(cuda, ramps, FitOptions(timing=timing, segments=True)).segments is not None


def test_shapes_are_checked(cuda):
    ramps, timing = random_ramps(0, 1, 3)
    arrays = [ramps[name] for name in NAMES]
    with pytest.raises(ValueError, match=r"^gain: found shape"):
        cuda(fit_ramps, *arrays[:-1], arrays[-1][:, 1:].copy(), options=FitOptions(timing=timing))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**20), st.integers(1, 4), st.integers(1, 12), *[st.booleans()] * 3)
def test_any_ramp(cuda, seed, integrations, groups, suppress, ignore, restore):
    ramps, timing = random_ramps(seed, integrations, groups, lost=0.1)
    told = {"suppress_one_group": suppress, "ignore_first_jump": ignore, "restore_charge_loss": restore}
    assert_same(cuda, ramps, FitOptions(timing=timing, **told))
