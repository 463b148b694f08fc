"""``fit_ramps`` against a slow loop over pixels, on every array library, and what must hold for any ramp."""

from dataclasses import fields, replace

import numpy as np
import pytest
from helpers.ramp_regimes import DO_NOT_USE, JUMP_DET, SATURATED, TIMINGS, random_ramps
from helpers.ramp_runs import NAMES, by_loop, run, straight
from hypothesis import given, settings
from hypothesis import strategies as st

from gpipe.ramp_fitting import fit
from gpipe.ramp_fitting.fit import FitOptions, fit_ramps

ONE_SECOND = replace(TIMINGS[0], frame_time=1.0, group_time=1.0)


def assert_rate(found, at, expected):
    values = {f.name: getattr(found, f.name)[at] for f in fields(found)}
    assert values["dq"] == expected.dq, at
    np.testing.assert_allclose(values["slope"], expected.slope, rtol=2e-5, atol=2e-5 * expected.err, err_msg=str(at))
    np.testing.assert_allclose(values["var_poisson"], expected.var_p, rtol=1e-4, err_msg=str(at))
    np.testing.assert_allclose(values["var_rnoise"], expected.var_r, rtol=1e-4, err_msg=str(at))
    np.testing.assert_allclose(values["err"], expected.err, rtol=1e-4, err_msg=str(at))


def assert_as_by_loop(out, ramps, options):
    for (r, c), pixel in by_loop(ramps, options).items():
        assert_rate(out.exposure, (r, c), pixel)
        for i, integration in enumerate(pixel.integrations):
            assert_rate(out.integrations, (i, r, c), integration)


@pytest.mark.parametrize("suppress", [True, False])
@pytest.mark.parametrize(("integrations", "groups"), [(1, 1), (3, 1), (2, 2), (1, 3), (3, 4), (2, 9)])
def test_equals_the_loop(library, integrations, groups, suppress):
    ramps, timing = random_ramps(integrations + groups, integrations, groups)
    ramps["data"][0, groups // 2, 3, :4] = np.nan, np.inf, -np.inf, np.nan
    options = FitOptions(timing=timing, suppress_one_group=suppress)
    out = run(library, ramps, options)
    assert out.exposure.slope.dtype == out.integrations.err.dtype == np.float32
    assert out.exposure.dq.dtype == out.integrations.dq.dtype == np.uint32
    assert out.segments is None
    assert_as_by_loop(out, ramps, options)


@pytest.mark.parametrize("seed", range(6))
def test_equals_the_loop_for_long_ramps_without_extras(library, seed):
    ramps, timing = random_ramps(seed, 1, 20)
    ramps |= {"zeroframe": None, "dark_current": None}
    options = FitOptions(timing=timing, first_group=1, last_group=17)
    assert_as_by_loop(run(library, ramps, options), ramps, options)


def rates_of(ramps, **options):
    arrays = [ramps[name] for name in NAMES]
    return fit_ramps(*arrays, options=FitOptions(timing=ONE_SECOND, **options))


def test_a_straight_ramp_with_its_variances_in_closed_form():
    out = rates_of(straight()).exposure
    np.testing.assert_allclose(out.slope, 30, rtol=1e-6)
    np.testing.assert_allclose(out.var_rnoise, 12 * 50 / (6**3 - 6), rtol=1e-6)
    np.testing.assert_allclose(out.var_poisson, 30 / (2 * 5), rtol=1e-6)
    np.testing.assert_allclose(out.err**2, out.var_rnoise + out.var_poisson, rtol=1e-6)


def test_a_hit_is_not_part_of_the_slope_but_its_group_is():
    ramps = straight()
    ramps["data"][:, 3:] += 5000
    ramps["groupdq"][:, 3] = JUMP_DET
    out = rates_of(ramps).exposure
    np.testing.assert_allclose(out.slope, 30, rtol=1e-5)
    np.testing.assert_allclose(out.var_poisson, 30 / (2 * 4), rtol=1e-5)  # two segments of three groups
    assert (out.dq == JUMP_DET).all()


def test_saturated_from_the_start_gives_nothing_and_from_the_middle_a_flag():
    ramps = straight(integrations=2)
    ramps["groupdq"][0, :, 0, 0] = SATURATED
    ramps["groupdq"][:, 3:, 0, 1] = SATURATED
    ramps["groupdq"][:, :, 0, 2] = SATURATED
    out = rates_of(ramps)
    np.testing.assert_array_equal(out.integrations.dq[:, 0, 0], [DO_NOT_USE | SATURATED, 0])
    np.testing.assert_array_equal(out.exposure.dq, [[SATURATED, SATURATED, SATURATED | DO_NOT_USE]])
    np.testing.assert_array_equal(np.isnan(out.exposure.slope), [[False, False, True]])
    np.testing.assert_allclose(out.exposure.slope[0, :2], 30, rtol=1e-6)
    assert out.exposure.err[0, 2] == out.exposure.var_rnoise[0, 2] == out.exposure.var_poisson[0, 2] == 0


@pytest.mark.parametrize("suppress", [True, False])
def test_an_exposure_that_is_saturated_throughout_has_rates_of_the_zeroframe_or_none(suppress):
    ramps = straight(groupdq=np.full((1, 6, 1, 3), SATURATED, np.uint8))
    without = rates_of(ramps, suppress_one_group=suppress).exposure
    assert np.isnan(without.slope).all()
    assert (without.dq == SATURATED | DO_NOT_USE).all()
    options = FitOptions(timing=ONE_SECOND, suppress_one_group=suppress)
    zeroframe = np.array([[[20, 0, 40]]], np.float32)
    out = fit_ramps(**ramps, options=options, zeroframe=zeroframe).exposure
    expected = [[np.nan] * 3] if suppress else [[20, np.nan, 40]]
    np.testing.assert_allclose(out.slope, expected, rtol=1e-6)


def test_no_gain_value_of_an_earlier_step_is_handed_on_and_voids_nothing():
    out = rates_of(straight(pixeldq=np.full((1, 3), 1 << 19, np.uint32))).exposure
    np.testing.assert_allclose(out.slope, 30, rtol=1e-6)
    assert (out.dq == 1 << 19).all()


def test_one_good_group_is_measured_against_the_reset_unless_suppressed():
    ramps = straight()
    ramps["groupdq"][:, 1:] = SATURATED
    np.testing.assert_array_equal(rates_of(ramps).exposure.dq, DO_NOT_USE | SATURATED)
    out = rates_of(ramps, suppress_one_group=False).exposure
    np.testing.assert_allclose(out.slope, 30)
    np.testing.assert_allclose(out.var_rnoise, 2 * 50)
    assert (out.dq == SATURATED).all()


def test_a_single_group_is_never_suppressed():
    np.testing.assert_allclose(rates_of(straight(groups=1)).exposure.slope, 30)


def test_a_ramp_of_jumps_only_is_not_a_rate_of_zero():
    ramps = straight(groups=3)
    ramps["groupdq"][:] = JUMP_DET
    out = rates_of(ramps).exposure
    assert np.isnan(out.slope).all()
    np.testing.assert_array_equal(out.dq, JUMP_DET | DO_NOT_USE)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_not_finite_counts_as_do_not_use(value):
    holed, flagged = straight(groups=7), straight(groups=7)
    holed["data"] **= 1.2
    flagged["data"] **= 1.2
    holed["data"][0, 2] = value
    flagged["groupdq"][0, 2] = DO_NOT_USE
    np.testing.assert_array_equal(rates_of(holed).exposure.slope, rates_of(flagged).exposure.slope)


@pytest.mark.parametrize("wrong", ["groupdq", "pixeldq", "readnoise", "gain"])
def test_shapes_are_checked(wrong):
    ramps = straight()
    ramps[wrong] = ramps[wrong][..., :2]
    with pytest.raises(ValueError, match=wrong):
        rates_of(ramps)


def test_blocks_and_threads_change_nothing(monkeypatch):
    ramps, timing = random_ramps(3, 3, 5, shape=(7, 9))
    options = FitOptions(timing=timing, suppress_one_group=False, segments=True)
    whole = fit_ramps(**ramps, options=options)
    monkeypatch.setattr(fit, "CACHED_PIXELS", 54)
    parts = fit_ramps(**ramps, options=options, workers=3)
    for part in ("exposure", "integrations", "segments"):
        for f in fields(getattr(whole, part)):
            np.testing.assert_array_equal(getattr(getattr(parts, part), f.name), getattr(getattr(whole, part), f.name))


regimes = st.tuples(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 12))


@settings(max_examples=40, deadline=None)
@given(regimes, st.booleans())
def test_order_of_integrations_does_not_matter(regime, suppress):
    ramps, timing = random_ramps(*regime, shape=(3, 8))
    options = FitOptions(timing=timing, suppress_one_group=suppress)
    turned = ramps | {name: ramps[name][::-1] for name in ("data", "groupdq", "zeroframe")}
    one, other = fit_ramps(**ramps, options=options), fit_ramps(**turned, options=options)
    for f in fields(one.exposure):
        a, b = getattr(one.integrations, f.name), getattr(other.integrations, f.name)[::-1]
        np.testing.assert_allclose(a, b, rtol=1e-5)
        a, b = getattr(one.exposure, f.name), getattr(other.exposure, f.name)
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


@settings(max_examples=40, deadline=None)
@given(regimes, st.floats(-1000, 1000))
def test_a_pedestal_changes_no_slope(regime, pedestal):
    # Of whole numbers, so that adding it rounds nothing; the rate of a single group is measured against 0.
    ramps, timing = random_ramps(*regime, shape=(3, 8))
    ramps["data"] = np.round(ramps["data"]).astype(np.float32)
    raised = ramps | {"data": ramps["data"] + np.float32(round(pedestal))}
    one, other = (fit_ramps(**r, options=FitOptions(timing=timing)) for r in (ramps, raised))
    np.testing.assert_array_equal(one.integrations.dq, other.integrations.dq)
    usable = ~np.isnan(one.integrations.slope) & lines_only(ramps["groupdq"])
    np.testing.assert_allclose(one.integrations.slope[usable], other.integrations.slope[usable], rtol=1e-4, atol=1e-3)


@settings(max_examples=40, deadline=None)
@given(regimes, st.sampled_from([0.25, 2.0, 8.0]))
def test_units_of_the_signal_scale_through(regime, factor):
    ramps, timing = random_ramps(*regime, shape=(3, 8))
    options = FitOptions(timing=timing)
    scaled = dict(ramps)
    for name in ("data", "readnoise", "zeroframe", "dark_current"):
        scaled[name] = ramps[name] * np.float32(factor)
    scaled["gain"] = ramps["gain"] / np.float32(factor)
    one, other = fit_ramps(**ramps, options=options).exposure, fit_ramps(**scaled, options=options).exposure
    np.testing.assert_array_equal(one.dq, other.dq)
    np.testing.assert_allclose(one.slope * factor, other.slope, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(one.err * factor, other.err, rtol=1e-4, atol=1e-9)


def lines_only(groupdq):
    """Ramps with at least one segment of two groups: (integration, row, column)."""
    opens = (groupdq & (0xFF ^ 36)) == 0
    good = (groupdq & (0xFF ^ 32)) == 0
    return (opens[:, :-1] & good[:, 1:]).any(axis=1)
