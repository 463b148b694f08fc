"""Errors of rates: a variance is given whatever its size, and 0 never means that it is unknown."""

import numpy as np
import pytest
from helpers.ramp_regimes import DO_NOT_USE, JUMP_DET, SATURATED
from helpers.ramp_runs import NAMES, straight

from gpipe.backends import native
from gpipe.ramp_fitting.fit import FitOptions, fit_ramps
from gpipe.ramp_fitting.timing import Timing

NO_GAIN_VALUE = 1 << 19
VERSIONS = {"portable": fit_ramps, "kernel": native.find_in_library(fit_ramps) or fit_ramps}
FAST = Timing(frame_time=0.05, group_time=0.05, frames=1)
SECOND = Timing(frame_time=1.0, group_time=1.0, frames=1)


@pytest.fixture(params=VERSIONS)
def fit(request):
    """Fit ramps by the portable function or the kernel."""

    def fit(ramps, timing=SECOND, **options):
        arrays = [ramps[name] for name in NAMES]
        how = FitOptions(timing=timing, **options)
        return VERSIONS[request.param](*arrays, options=how, dark_current=ramps.get("dark_current"))

    return fit


@pytest.mark.parametrize("integrations", [1, 3])
def test_a_bright_star_in_a_fast_subarray_has_its_error(fit, integrations):
    planes = {"gain": np.full((1, 3), 1.9, np.float32), "readnoise": np.full((1, 3), 8 * 2**0.5, np.float32)}
    out = fit(straight(1.2e5 * 0.05, groups=2, integrations=integrations, **planes), FAST)
    for rates, count in ((out.integrations, 1), (out.exposure, integrations)):
        np.testing.assert_allclose(rates.slope, 1.2e5, rtol=1e-5)
        np.testing.assert_allclose(rates.var_poisson, 1.2e5 / (0.05 * 1.9) / count, rtol=1e-5)
        np.testing.assert_allclose(rates.var_rnoise, 2 * 8**2 / 0.05**2 / count, rtol=1e-5)
        np.testing.assert_allclose(rates.err, 1146.2 / count**0.5, rtol=1e-3)
        np.testing.assert_allclose(rates.err**2, rates.var_poisson + rates.var_rnoise, rtol=1e-5)
        assert (rates.dq == 0).all()


@pytest.mark.parametrize("noise", [1e5, 3e7])
def test_a_large_read_noise_is_in_the_error(fit, noise):
    out = fit(straight(readnoise=np.array([[10, noise, 10]], np.float32)))
    for rates in (out.exposure, out.integrations):
        np.testing.assert_allclose(rates.slope, 30, rtol=1e-6)
        np.testing.assert_allclose(rates.var_rnoise[..., 1], 12 * noise**2 / 2 / (6**3 - 6), rtol=1e-5)
        np.testing.assert_allclose(rates.err**2, rates.var_poisson + rates.var_rnoise, rtol=1e-5)
        assert (rates.dq == 0).all()


ANY = (0, -1, 1e20, np.inf, np.nan)
UNKNOWN = [
    *(("gain", bad, DO_NOT_USE | NO_GAIN_VALUE) for bad in ANY),
    *(("readnoise", bad, DO_NOT_USE) for bad in ANY),
    *(("dark_current", bad, DO_NOT_USE) for bad in (np.inf, -np.inf, np.nan)),
]


@pytest.mark.parametrize(("plane", "bad", "flags"), UNKNOWN)
@pytest.mark.parametrize("groups", [1, 6])
@pytest.mark.parametrize("lost", [False, True])
def test_without_a_noise_there_is_no_rate_and_a_flag(fit, plane, bad, flags, groups, lost):
    ramps = straight(groups=groups)
    ramps[plane] = np.array([[1, bad, 1]], np.float32)
    ramps["groupdq"][:, 3:] = 0x81 if lost else 0
    out = fit(ramps, restore_charge_loss=True)
    for rates in (out.exposure, out.integrations):
        np.testing.assert_array_equal(rates.dq.reshape(-1), [0, flags, 0])
        np.testing.assert_array_equal(np.isnan(rates.slope).reshape(-1), [False, True, False])
        for variance in (rates.var_poisson, rates.var_rnoise, rates.err):
            np.testing.assert_array_equal((variance == 0).reshape(-1), [False, True, False])


@pytest.mark.parametrize("groups", [1, 6])
def test_a_dark_current_below_zero_takes_no_noise_away(fit, groups):
    ramps = straight(0.5, groups=groups) | {"dark_current": np.array([[0, -0.1, -30]], np.float32)}
    out = fit(ramps)
    for rates in (out.exposure, out.integrations):
        variance = rates.var_poisson.reshape(-1)
        np.testing.assert_allclose(variance / variance[0], [1, 0.8, 0], rtol=1e-5)
        np.testing.assert_allclose(rates.err**2, rates.var_poisson + rates.var_rnoise, rtol=1e-5)
        assert (rates.dq == 0).all()


SPOILT = {
    "saturated": (6, "groupdq", SATURATED),
    "left out": (6, "groupdq", DO_NOT_USE),
    "of jumps alone": (6, "groupdq", JUMP_DET),
    "of NaN": (6, "data", np.nan),
    "saturated, of one group": (1, "groupdq", SATURATED),
    "left out, of one group": (1, "groupdq", DO_NOT_USE),
}


@pytest.mark.parametrize(("groups", "plane", "value"), SPOILT.values(), ids=SPOILT)
def test_an_integration_without_a_rate_does_not_change_the_noise_of_the_others(fit, groups, plane, value):
    ramps = straight(10.0, groups=groups, integrations=3)
    ramps["data"] += 500 if groups > 1 else 0
    ramps[plane][2, :, 0, 0] = value
    out, steps = fit(ramps), max(groups - 1, 1)
    np.testing.assert_allclose(out.integrations.var_poisson[:2], 10 / 2 / steps, rtol=1e-5)
    np.testing.assert_array_equal(out.integrations.var_poisson[2, 0] > 0, [False, True, True])
    np.testing.assert_allclose(out.exposure.var_poisson[0], 10 / 2 / steps / np.array([2, 3, 3]), rtol=1e-5)


LATE = {
    "the third": [1, 1, 0, 2, 2, 2],
    "before jumps": [1, 1, 1, 0, 4, 1],
    "the last": [1, 1, 1, 1, 1, 0],
    "the first of separate ones": [0, 1, 0, 1, 0, 1],
}


@pytest.mark.parametrize("flags", LATE.values(), ids=LATE)
@pytest.mark.parametrize("columns", [3, 300], ids=["few", "many"])
def test_the_pedestal_of_an_only_group_is_not_in_the_noise_of_the_other_integrations(fit, flags, columns):
    ramps = straight(10.0, integrations=3, shape=(1, columns))
    ramps["data"] += 7e4
    ramps["groupdq"][2, :, 0, 0] = flags
    out, group = fit(ramps, suppress_one_group=False), flags.index(0)
    np.testing.assert_allclose(out.integrations.var_poisson[:2], 10 / 2 / 5, rtol=1e-5)
    np.testing.assert_allclose(out.integrations.slope[2, 0, 0], 7e4 + 10 * (group + 1))
    np.testing.assert_allclose(out.integrations.var_poisson[2, 0, 0], 10 / 2, rtol=1e-5)
    np.testing.assert_allclose(out.exposure.var_poisson[0, 0], 10 / 2 / 11, rtol=1e-5)


@pytest.mark.parametrize("flags", LATE.values(), ids=LATE)
@pytest.mark.parametrize("columns", [3, 300], ids=["few", "many"])
def test_only_groups_give_the_noise_where_no_integration_has_more(fit, flags, columns):
    ramps = straight(10.0, integrations=3, shape=(1, columns))
    ramps["data"][1] *= 2
    ramps["groupdq"][:2, :, 0, 0] = flags
    ramps["groupdq"][2, :, 0, 0] = SATURATED
    out, group = fit(ramps, suppress_one_group=False), flags.index(0)
    np.testing.assert_allclose(out.integrations.var_poisson[:2, 0, 0], 15 * (group + 1) / 2, rtol=1e-5)
    assert np.isnan(out.integrations.slope[2, 0, 0])


def test_an_only_first_group_counts_with_its_rate_since_the_reset(fit):
    ramps = straight(10.0, integrations=3)
    ramps["data"][2, 0] = 40
    ramps["groupdq"][2, 1:, 0, 0] = SATURATED
    ramps["groupdq"][1, :, 0, 0] = LATE["the third"]
    out = fit(ramps, suppress_one_group=False)
    np.testing.assert_allclose(out.integrations.var_poisson[0, 0, 0], (10 + 40) / 2 / 2 / 5, rtol=1e-5)


def test_a_ramp_of_separate_groups_has_the_noise_of_the_one_that_is_fitted(fit):
    ramps = straight(50.0, groups=5)
    ramps["groupdq"][:, ::2] = DO_NOT_USE
    out = fit(ramps).exposure
    np.testing.assert_allclose(out.slope, 100)
    np.testing.assert_allclose(out.var_poisson, 100 / 2)
    assert (out.dq == 0).all()
