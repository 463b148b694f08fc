"""``fit_ramps_likely`` against whole matrices pixel by pixel, on every array library, and its special cases."""

from dataclasses import fields

import numpy as np
import pytest
from array_api_compat import array_namespace
from helpers.likely_oracle import DO_NOT_USE, JUMP_DET, NO_GAIN_VALUE, SATURATED, combined, fit_integration
from helpers.likely_regimes import UNEVEN, likely_ramps, times_of
from hypothesis import given, settings
from hypothesis import strategies as st

from gpipe.arrays import accumulator_dtype
from gpipe.ramp_fitting import likely_fit
from gpipe.ramp_fitting.likely_fit import LikelyOptions, fit_ramps_likely

NAMES = ("data", "groupdq", "pixeldq", "readnoise", "gain")
PATTERNS = {"single": times_of(6, 1), "averaged": times_of(7, 4, 1), "uneven": UNEVEN, "four": times_of(4, 2)}
ONE = np.ones(1, np.float32)
ONE_SECOND = times_of(6, 1, frame_time=1.0)


def run(library, ramps, options, **how):
    more = {name: ramps[name] for name in ("dark_current", "zeroframe") if ramps.get(name) is not None}
    return library.run(fit_ramps_likely, *(ramps[name] for name in NAMES), options=options, **more, **how)


def assert_rate(found, at, expected):
    values = {f.name: getattr(found, f.name)[at] for f in fields(found)}
    assert values["dq"] == expected["dq"], at
    err = expected["err"]
    np.testing.assert_allclose(values["slope"], expected["slope"], rtol=3e-5, atol=3e-5 * err, err_msg=str(at))
    for name in ("var_poisson", "var_rnoise", "err"):
        np.testing.assert_allclose(values[name], expected[name], rtol=2e-4, err_msg=f"{name} {at}")


def assert_as_by_matrices(out, ramps, times):
    for r, c in np.ndindex(*ramps["gain"].shape):
        pixel = [float(ramps[name][r, c]) for name in ("readnoise", "gain")]
        dark = 0.0 if ramps.get("dark_current") is None else float(ramps["dark_current"][r, c])
        zeros = ramps.get("zeroframe")
        integrations = []
        for i in range(len(ramps["data"])):
            ramp = ramps["data"][i, :, r, c], ramps["groupdq"][i, :, r, c], ramps["pixeldq"][r, c]
            zero = None if zeros is None else zeros[i, r, c]
            integrations.append(fit_integration(*ramp, *pixel, times, dark, zero))
            assert_rate(out.integrations, (i, r, c), integrations[-1])
        single = len(integrations) == 1
        assert_rate(out.exposure, (r, c), integrations[0] if single else combined(integrations))
        chi = sum(i["chi_square"] for i in integrations)
        np.testing.assert_allclose(out.chi_square[r, c], chi, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("integrations", [1, 3])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_equals_whole_matrices(library, pattern, integrations):
    ramps = likely_ramps(5, integrations, PATTERNS[pattern], bad_pixels=True)
    ramps["data"][0, 2, 3, :4] = np.nan, np.inf, -np.inf, np.nan
    out = run(library, ramps, LikelyOptions(times=PATTERNS[pattern]))
    assert out.exposure.slope.dtype == out.integrations.err.dtype == out.chi_square.dtype == np.float32
    assert out.exposure.dq.dtype == out.integrations.dq.dtype == np.uint32
    assert ((out.integrations.dq & JUMP_DET) != 0).any()
    assert_as_by_matrices(out, ramps, PATTERNS[pattern])


def has_float64(library):
    return (
        library.run(lambda x: array_namespace(x).astype(x, accumulator_dtype(x, xp=array_namespace(x))), ONE).dtype
        == float
    )


@pytest.mark.parametrize("seed", range(4))
def test_many_hits_in_long_ramps(library, seed):
    times = times_of(25, 1 + seed % 2)
    ramps = likely_ramps(seed, 1, times, shape=(2, 12), hits=0.15, flagged=0.1) | {"dark_current": None}
    out = run(library, ramps, LikelyOptions(times=times))
    if has_float64(library):
        assert_as_by_matrices(out, ramps, times)
        return
    exact = fit_ramps_likely(**ramps, options=LikelyOptions(times=times)).exposure
    np.testing.assert_array_equal(out.exposure.dq, exact.dq)
    off = np.abs(out.exposure.slope - exact.slope) / exact.err
    np.testing.assert_array_equal(np.isnan(out.exposure.slope), np.isnan(exact.slope))
    assert np.nanmax(off) < 1  # of one large hit in many, two differences were left out, or another one
    assert np.nanmedian(off) < 1e-4


def test_the_zeroframe_is_a_read_of_its_own(library):
    times = PATTERNS["averaged"]
    ramps = likely_ramps(2, 2, times, hits=0.02)
    rng = np.random.default_rng(3)
    zeroframe = ramps["data"][:, 0] + rng.normal(0, 5, ramps["data"][:, 0].shape)
    ramps["zeroframe"] = np.where(rng.random(zeroframe.shape) < 0.2, 0, zeroframe).astype(np.float32)
    ramps["zeroframe"][0, 0, 0] = np.nan
    assert_as_by_matrices(run(library, ramps, LikelyOptions(times=times)), ramps, times)


def straight(rate=30.0, groups=6, shape=(1, 3), **changed):
    data = np.broadcast_to(rate * np.arange(1, groups + 1, dtype=np.float32)[:, None, None], (1, groups, *shape))
    planes = {"readnoise": np.full(shape, 10, np.float32), "gain": np.full(shape, 2, np.float32)}
    flags = {"groupdq": np.zeros(data.shape, np.uint8), "pixeldq": np.zeros(shape, np.uint32)}
    return {"data": data.copy()} | planes | flags | changed


def rates_of(ramps, times=ONE_SECOND, **options):
    return fit_ramps_likely(**ramps, options=LikelyOptions(times=times, **options))


def test_a_straight_faint_ramp_is_that_of_least_squares():
    out = rates_of(straight(rate=1e-4))
    np.testing.assert_allclose(out.exposure.slope, 1e-4, rtol=1e-5)
    np.testing.assert_allclose(out.exposure.var_rnoise, 12 * 50 / (6**3 - 6), rtol=1e-5)
    np.testing.assert_allclose(out.chi_square, 0, atol=1e-6)
    assert (out.exposure.dq == 0).all()


def test_a_straight_bright_ramp_is_that_of_its_ends():
    out = rates_of(straight(rate=1e6, readnoise=np.full((1, 3), 0.1, np.float32))).exposure
    np.testing.assert_allclose(out.slope, 1e6, rtol=1e-6)
    np.testing.assert_allclose(out.var_poisson, 1e6 / 2 / 5, rtol=1e-5)
    np.testing.assert_allclose(out.err**2, out.var_rnoise + out.var_poisson, rtol=1e-5)


@pytest.mark.parametrize("size", [100, 1e5])
def test_a_hit_is_found_and_left_out(size):
    ramps = straight()
    ramps["data"][:, 3:, 0, 1] += size
    out = rates_of(ramps).exposure
    np.testing.assert_allclose(out.slope, 30, rtol=1e-5)
    np.testing.assert_array_equal(out.dq, [[0, JUMP_DET, 0]])
    assert out.var_rnoise[0, 1] > out.var_rnoise[0, 0]


def test_a_hit_within_an_averaged_group_spoils_both_differences():
    times = times_of(6, 4, frame_time=1.0)
    ramps = straight(rate=120.0)
    ramps["data"][:, 2] += 500
    ramps["data"][:, 3:] += 2000
    np.testing.assert_allclose(rates_of(ramps, times).exposure.slope, 30, rtol=1e-5)
    single = rates_of(ramps, times_of(6, 1, frame_time=4.0)).exposure
    np.testing.assert_allclose(single.slope, 30, rtol=1e-5)


@pytest.mark.parametrize(("reads", "good"), [(1, 3), (2, 4)])
def test_of_equally_good_omissions_the_largest_differences_go(reads, good):
    ramps = straight(rate=30.0 * reads)
    ramps["groupdq"][:, good:] = SATURATED
    early, late = ramps["data"].copy(), ramps["data"].copy()
    part = 2e3 * (reads - 1)  # of a hit between the reads of a group
    early[:, 1] += 1e4 - part
    early[:, 2:] += 1e4
    late[:, good - 2] += part
    late[:, good - 1 :] += 1e4
    for data in (early, late):
        out = rates_of(ramps | {"data": data}, times_of(6, reads, frame_time=1.0)).exposure
        np.testing.assert_allclose(out.slope, 30, rtol=1e-5)
        assert (out.dq == JUMP_DET | SATURATED).all()


def test_all_groups_saturated_and_saturated_from_the_middle():
    ramps = straight()
    ramps["groupdq"][:, :, 0, 0] = SATURATED
    ramps["groupdq"][:, 3:, 0, 1] = SATURATED
    ramps["groupdq"][:, 1::2, 0, 2] = SATURATED
    out = rates_of(ramps)
    np.testing.assert_array_equal(out.exposure.dq, [[SATURATED | DO_NOT_USE, SATURATED, SATURATED]])
    np.testing.assert_array_equal(np.isnan(out.exposure.slope), [[True, False, True]])
    for name in ("var_poisson", "var_rnoise", "err"):
        np.testing.assert_array_equal(np.isnan(getattr(out.exposure, name)), [[True, False, True]])
    np.testing.assert_array_equal(np.isnan(out.chi_square), [[True, False, True]])


def test_one_good_group_has_no_difference():
    ramps = straight()
    ramps["groupdq"][:, 1:] = SATURATED
    out = rates_of(ramps).exposure
    assert np.isnan(out.slope).all()
    assert (out.dq == SATURATED).all()


@pytest.mark.parametrize("flag", [DO_NOT_USE, JUMP_DET, 8, 32])
def test_a_group_with_any_flag_takes_both_differences_with_it(flag):
    ramps = straight()
    ramps["data"][:, 2] += 1e4
    ramps["groupdq"][:, 2] = flag
    out = rates_of(ramps).exposure
    np.testing.assert_allclose(out.slope, 30, rtol=1e-5)
    assert (out.dq == flag & JUMP_DET).all()


def test_a_nan_sample_counts_as_do_not_use():
    ramps = straight()
    ramps["data"][:, 2, 0, 1] = np.nan
    ramps["data"][:, :, 0, 2] = np.nan
    out = rates_of(ramps).exposure
    np.testing.assert_allclose(out.slope, [[30, 30, np.nan]], rtol=1e-5)
    np.testing.assert_array_equal(out.dq, [[0, 0, DO_NOT_USE]])


@pytest.mark.parametrize("bad", [0, -1, np.nan, np.inf])
def test_a_gain_that_is_not_positive(bad):
    out = rates_of(straight(gain=np.array([[1, bad, 1]], np.float32))).exposure
    np.testing.assert_array_equal(out.dq, [[0, DO_NOT_USE | NO_GAIN_VALUE, 0]])
    np.testing.assert_array_equal(np.isnan(out.slope), [[False, True, False]])
    np.testing.assert_array_equal(np.isnan(out.err), [[False, True, False]])


def test_read_noise_of_nan_is_no_rate_and_of_zero_leaves_the_photons():
    out = rates_of(straight(readnoise=np.array([[10, np.nan, 0]], np.float32))).exposure
    np.testing.assert_allclose(out.slope, [[30, np.nan, 30]], rtol=1e-5)
    np.testing.assert_allclose(out.var_rnoise[0, 2], 0)
    np.testing.assert_allclose(out.var_poisson[0, 2], 30 / 2 / 5, rtol=1e-5)
    np.testing.assert_array_equal(out.dq, [[0, DO_NOT_USE, 0]])


@pytest.mark.parametrize(("noise", "known"), [(1e5, True), (1e20, False), (np.inf, False), (-3, False)])
def test_a_read_noise_of_any_size_is_in_the_error_or_there_is_no_rate(noise, known):
    out = rates_of(straight(readnoise=np.array([[10, noise, 10]], np.float32))).exposure
    assert out.dq[0, 1] == (0 if known else DO_NOT_USE)
    assert np.isfinite(out.slope[0, 1]) == np.isfinite(out.err[0, 1]) == known
    if known:
        np.testing.assert_allclose(out.err**2, out.var_poisson + out.var_rnoise, rtol=1e-4)
        np.testing.assert_allclose(out.var_rnoise[0, 1], 12 * noise**2 / 2 / (6**3 - 6), rtol=1e-3)


def test_a_dark_current_adds_to_the_photons_and_of_nan_is_no_rate():
    ramps = straight(rate=1e-3, readnoise=np.full((1, 3), 1e-3, np.float32))
    out = rates_of(ramps | {"dark_current": np.array([[-3, 0, 0]], np.float32)}).exposure
    np.testing.assert_allclose(out.var_poisson / out.var_poisson[0, 1], [[0, 1, 1]])
    assert np.isfinite(out.err).all()
    out = rates_of(ramps | {"dark_current": np.array([[0, 5, np.nan]], np.float32)}).exposure
    np.testing.assert_allclose(out.var_poisson[0, :2], [1e-3 / 2 / 5, 5.001 / 2 / 5], rtol=1e-3)
    assert np.isnan(out.slope[0, 2])
    np.testing.assert_array_equal(out.dq, [[0, 0, DO_NOT_USE]])


def test_pixel_flags_are_handed_on_and_void_nothing():
    out = rates_of(straight(pixeldq=np.full((1, 3), DO_NOT_USE | 1 << 11, np.uint32))).exposure
    np.testing.assert_allclose(out.slope, 30, rtol=1e-5)
    assert (out.dq == DO_NOT_USE | 1 << 11).all()


def test_groups_outside_of_the_limits_do_not_count():
    ramps = straight(groups=8)
    ramps["data"][:, 0], ramps["data"][:, 7] = -1e4, 9e4
    out = rates_of(ramps, times_of(8, 1, frame_time=1.0), first_group=1, last_group=6).exposure
    np.testing.assert_allclose(out.slope, 30, rtol=1e-5)
    assert (out.dq == 0).all()


def test_an_integration_without_a_rate_leaves_those_of_the_others():
    ramps = straight()
    ramps["data"], ramps["groupdq"] = np.tile(ramps["data"], (3, 1, 1, 1)), np.tile(ramps["groupdq"], (3, 1, 1, 1))
    ramps["groupdq"][1] = SATURATED
    out = rates_of(ramps)
    np.testing.assert_array_equal(out.integrations.dq[:, 0, 0], [0, SATURATED | DO_NOT_USE, 0])
    assert (out.exposure.dq == SATURATED).all()
    np.testing.assert_allclose(out.exposure.slope, 30, rtol=1e-5)
    np.testing.assert_allclose(out.exposure.var_rnoise, out.integrations.var_rnoise[0] / 2, rtol=1e-5)
    assert np.isnan(out.chi_square).all()


@pytest.mark.parametrize("wrong", ["groupdq", "pixeldq", "readnoise", "gain"])
def test_shapes_are_checked(wrong):
    ramps = straight()
    ramps[wrong] = ramps[wrong][..., :2]
    with pytest.raises(ValueError, match=wrong):
        rates_of(ramps)


@pytest.mark.parametrize("groups", [3, 5])
def test_times_must_be_those_of_four_groups_or_more(groups):
    with pytest.raises(ValueError, match="times"):
        rates_of(straight(groups=min(groups, 3)), times_of(groups, 1))


def test_blocks_and_threads_change_nothing(monkeypatch):
    times = times_of(6, 2)
    ramps = likely_ramps(1, 2, times, shape=(7, 9))
    whole = fit_ramps_likely(**ramps, options=LikelyOptions(times=times))
    monkeypatch.setattr(likely_fit, "CACHED_SAMPLES", 216)
    parts = fit_ramps_likely(**ramps, options=LikelyOptions(times=times), workers=3)
    for part in ("exposure", "integrations"):
        for f in fields(getattr(whole, part)):
            np.testing.assert_array_equal(getattr(getattr(parts, part), f.name), getattr(getattr(whole, part), f.name))
    np.testing.assert_array_equal(parts.chi_square, whole.chi_square)


regimes = st.tuples(
    st.integers(0, 10**6), st.integers(1, 3), st.sampled_from([times_of(n, m) for n in (4, 9) for m in (1, 3)])
)


@settings(max_examples=30, deadline=None)
@given(regimes, st.integers(-1000, 1000))
def test_a_pedestal_changes_nothing(regime, pedestal):
    ramps = likely_ramps(*regime, shape=(3, 8))
    ramps["data"] = np.round(ramps["data"]).astype(np.float32)
    raised = ramps | {"data": ramps["data"] + np.float32(pedestal)}
    one, other = (fit_ramps_likely(**r, options=LikelyOptions(times=regime[2])).integrations for r in (ramps, raised))
    for f in fields(one):
        np.testing.assert_array_equal(getattr(one, f.name), getattr(other, f.name))


@settings(max_examples=30, deadline=None)
@given(regimes, st.sampled_from([0.25, 2.0, 8.0]))
def test_units_of_the_signal_scale_through(regime, factor):
    ramps = likely_ramps(*regime, shape=(3, 8))
    scaled = ramps | {"gain": ramps["gain"] / np.float32(factor)}
    for name in ("data", "readnoise", "dark_current"):
        scaled[name] = ramps[name] * np.float32(factor)
    one, other = (fit_ramps_likely(**r, options=LikelyOptions(times=regime[2])).integrations for r in (ramps, scaled))
    np.testing.assert_array_equal(one.dq, other.dq)
    np.testing.assert_allclose(one.slope * factor, other.slope, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(one.err * factor, other.err, rtol=1e-5)
