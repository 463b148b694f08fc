"""The kernel in C beside the portable function, whose numbers it repeats bit by bit."""

from dataclasses import fields, replace

import numpy as np
import pytest
from helpers.in_c import in_every_variant, kernel, unaligned
from helpers.ramp_regimes import random_ramps
from hypothesis import given, settings
from hypothesis import strategies as st

from gpipe import dq
from gpipe.ramp_fitting import fit
from gpipe.ramp_fitting.fit import FitOptions

pytestmark = in_every_variant
fit_ramps = kernel(fit.fit_ramps)
VERSIONS = [pytest.param(fit.fit_ramps, id="portable"), pytest.param(fit_ramps, id="kernel")]


def assert_same(ramps, options, **how):
    with np.errstate(all="ignore"):
        expected = fit.fit_ramps(**ramps, options=options)
    found = fit_ramps(**ramps, options=options, **how)
    for part in ("exposure", "integrations"):
        for f in fields(expected.exposure):
            ours, theirs = getattr(getattr(found, part), f.name), getattr(getattr(expected, part), f.name)
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs, err_msg=f"{part} {f.name}")
    return found


def assert_equal(found, expected):
    """The same bits, but for those of NaN."""
    for one, other in ((found.exposure, expected.exposure), (found.integrations, expected.integrations)):
        for f in fields(other):
            np.testing.assert_array_equal(getattr(one, f.name), getattr(other, f.name), err_msg=f.name, strict=True)


def holed(ramps, seed):
    rng = np.random.default_rng(seed)
    holes = rng.random(ramps["data"].shape) < 0.03
    ramps["data"][holes] = rng.choice([np.nan, np.inf, -np.inf], holes.sum())
    return ramps


SHAPES = [(1, 1), (3, 1), (2, 2), (1, 3), (3, 4), (2, 9), (1, 20), (70, 3)]


@pytest.mark.parametrize("suppress", [True, False])
@pytest.mark.parametrize("extras", [True, False])
@pytest.mark.parametrize(("integrations", "groups"), SHAPES)
def test_every_regime(integrations, groups, extras, suppress):
    ramps, timing = random_ramps(integrations + groups, integrations, groups, shape=(4, 40))
    if not extras:
        ramps |= {"zeroframe": None, "dark_current": None}
    found = assert_same(holed(ramps, groups), FitOptions(timing=timing, suppress_one_group=suppress))
    assert np.isfinite(found.exposure.slope).any()


PATTERNS = {
    "none": [0] * 7,
    "ends": [1, 1, 0, 0, 0, 0, 1],
    "hit": [0, 0, 0, 4, 0, 0, 0],
    "hits": [0, 4, 0, 4, 4, 0, 1],
    "lone groups": [0, 1, 0, 0, 1, 32, 0],
    "one segment of two": [1, 1, 1, 0, 0, 2, 2],
    "hit before the only good group": [1, 1, 4, 0, 1, 1, 1],
    "only the first": [0, 1, 1, 1, 1, 1, 1],
    "saturated": [2] * 7,
    "harmless": [32, 32, 0, 0, 32, 32, 32],
}


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
@pytest.mark.parametrize("odd", [0.0, 0.01, 0.06])
@pytest.mark.parametrize("columns", [40, 700])
@pytest.mark.parametrize("suppress", [True, False])
def test_pixels_that_have_the_flags_of_most_others(pattern, odd, columns, suppress):
    """Tiles of the widest kind and narrow ones; odd pixels have flags or NaN; few enough of them, or not."""
    ramps, timing = random_ramps(len(pattern) + columns, 3, len(pattern), shape=(4, columns))
    rng = np.random.default_rng(columns)
    spoilt = rng.random(ramps["data"].shape) < odd
    ramps["groupdq"] = np.where(spoilt, ramps["groupdq"], np.array(pattern, np.uint8)[:, None, None])
    ramps["groupdq"][1, 1:, :, :: columns // 4] ^= 1
    ramps["data"][rng.random(ramps["data"].shape) < odd / 9] = np.nan
    ramps["dark_current"][0, ::9] = np.nan
    ramps["dark_current"][1, ::5] = -1e3
    assert_same(ramps, FitOptions(timing=timing, suppress_one_group=suppress))


@pytest.mark.parametrize("limits", [(1, None), (None, 3), (2, 4)])
def test_group_limits(limits):
    ramps, timing = random_ramps(1, 2, 6)
    assert_same(ramps, FitOptions(timing=timing, first_group=limits[0], last_group=limits[1]))


@pytest.mark.parametrize("suppress", [True, False])
@pytest.mark.parametrize("groups", [1, 2, 3, 8])
@pytest.mark.parametrize("lost", [0.0, 0.1, 0.3])
def test_charge_loss(groups, lost, suppress):
    ramps, timing = random_ramps(groups, 3, groups, lost=lost)
    options = FitOptions(timing=timing, suppress_one_group=suppress, restore_charge_loss=True)
    found = assert_same(holed(ramps, groups), options)
    without = fit_ramps(**ramps, options=replace(options, restore_charge_loss=False))
    changed = not np.array_equal(found.integrations.var_rnoise, without.integrations.var_rnoise, equal_nan=True)
    assert changed == (lost > 0)


@pytest.mark.parametrize("suppress", [True, False])
@pytest.mark.parametrize("lost", [0.0, 0.2])
@pytest.mark.parametrize("groups", [1, 2, 3, 8])
def test_a_jump_of_the_first_group_that_says_nothing(groups, lost, suppress):
    ramps, timing = random_ramps(groups, 3, groups, lost=lost)
    ramps["groupdq"][:, 0, ::2] |= dq.JUMP_DET
    options = FitOptions(timing=timing, suppress_one_group=suppress, restore_charge_loss=lost > 0)
    heeded = assert_same(holed(ramps, groups), options)
    ignored = assert_same(ramps, replace(options, ignore_first_jump=True))
    assert np.any(ignored.integrations.dq != heeded.integrations.dq)


@pytest.mark.parametrize("columns", [1, 31, 513, 1100])
def test_tiles_of_columns_do_not_show(columns):
    ramps, timing = random_ramps(2, 1, 5, shape=(4, max(columns, 4)))
    assert_same({name: x[..., :columns] for name, x in ramps.items()}, FitOptions(timing=timing))


def test_long_ramps():
    ramps, timing = random_ramps(5, 1, 300, shape=(3, 8))
    assert_same(ramps, FitOptions(timing=timing))


@pytest.mark.parametrize("plane", ["dark_current", "readnoise", "gain"])
def test_references_of_nan(plane):
    ramps, timing = random_ramps(4, 2, 5)
    ramps[plane][:] = np.nan
    assert_same(ramps, FitOptions(timing=timing))


def test_read_only_and_strided_arguments_are_taken_and_not_written_to():
    ramps, timing = random_ramps(3, 2, 6, shape=(8, 30))
    before = {name: x.copy() for name, x in ramps.items()}
    for x in ramps.values():
        x.flags.writeable = False
    options = FitOptions(timing=timing, suppress_one_group=False)
    assert_same(ramps, options, workers=2)
    assert_same({name: x[..., ::2, 1::3] for name, x in ramps.items()}, options)
    for name, x in ramps.items():
        np.testing.assert_array_equal(x, before[name])


def test_segments_are_those_of_the_portable_function():
    ramps, timing = random_ramps(1, 2, 5)
    options = FitOptions(timing=timing, segments=True)
    expected, found = fit.fit_ramps(**ramps, options=options).segments, fit_ramps(**ramps, options=options).segments
    for f in fields(expected):
        np.testing.assert_array_equal(getattr(found, f.name), getattr(expected, f.name))


@pytest.mark.parametrize("wrong", ["groupdq", "pixeldq", "readnoise", "gain"])
def test_shapes_are_checked(wrong):
    ramps, timing = random_ramps(1, 1, 3)
    ramps[wrong] = ramps[wrong][..., :2]
    with pytest.raises(ValueError, match=wrong):
        fit_ramps(**ramps, options=FitOptions(timing=timing))


@pytest.mark.parametrize("function", VERSIONS)
@pytest.mark.parametrize("suppress", [True, False])
@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("lost", [0.0, 0.1])
def test_rates_of_the_only_integration_are_those_of_the_exposure(function, groups, suppress, lost):
    ramps, timing = random_ramps(groups, 1, groups, lost=lost)
    options = FitOptions(timing=timing, suppress_one_group=suppress, restore_charge_loss=lost > 0)
    out = function(**holed(ramps, groups), options=options)
    for name in ("slope", "dq", "var_poisson") if lost else ("slope", "dq", "var_poisson", "var_rnoise"):
        np.testing.assert_array_equal(getattr(out.integrations, name)[0], getattr(out.exposure, name))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 4),
    st.integers(1, 12),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0.0, 0.1]),
)
def test_any_ramp(seed, integrations, groups, suppress, ignore, lost):
    ramps, timing = random_ramps(seed, integrations, groups, shape=(3, 8), lost=lost)
    told = {"suppress_one_group": suppress, "ignore_first_jump": ignore, "restore_charge_loss": lost > 0}
    assert_same(holed(ramps, seed), FitOptions(timing=timing, **told))


ALL, LATE, EARLY, SOME, BACK = slice(None), slice(1, None), slice(2), slice(2, 6), slice(None, None, -1)


@pytest.mark.parametrize(
    ("integrations", "groups", "rows"),
    [(ALL, SOME, ALL), (LATE, ALL, SOME), (EARLY, LATE, LATE), (ALL, ALL, BACK), (ALL, ALL, slice(0, 8, 2))],
)
@pytest.mark.parametrize("lost", [0.0, 0.1])
def test_what_is_cut_out_of_larger_arrays_is_fitted_as_a_copy_of_it(integrations, groups, rows, lost):
    ramps, timing = random_ramps(5, 3, 7, shape=(8, 12), lost=lost)
    index = {4: (integrations, groups, rows), 3: (integrations, rows), 2: (rows,)}
    parts = {name: x[index[x.ndim]] for name, x in holed(ramps, 5).items()}
    options = FitOptions(timing=timing, restore_charge_loss=lost > 0)
    found = fit_ramps(**parts, options=options)
    assert_equal(found, fit_ramps(**{name: x.copy() for name, x in parts.items()}, options=options))


@pytest.mark.parametrize("shape", [(1, 1), (1, 63), (2, 65), (3, 129), (5, 1032)], ids=str)
@pytest.mark.parametrize("groups", [1, 2, 7])
def test_shapes(groups, shape):
    """Smaller than a vector, and with a remainder; `random_ramps` makes no image of less than three rows."""
    ramps, timing = random_ramps(groups, 2, groups, shape=(max(shape[0], 4), max(shape[1], 4)))
    ramps = {name: x[..., : shape[0], : shape[1]] for name, x in holed(ramps, groups).items()}
    assert_same(ramps, FitOptions(timing=timing, suppress_one_group=False))


def without(ramps, axis):
    """The same with no integration, group, row or column."""
    index = [slice(None)] * 4
    index[axis] = slice(0)
    where = {4: tuple(index), 3: (index[0], *index[2:]), 2: tuple(index[2:])}
    return {name: x[where[x.ndim]] for name, x in ramps.items()}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("axis", [0, 3])
def test_no_integrations_and_no_columns(axis):
    ramps, timing = random_ramps(1, 2, 3)
    assert_same(without(ramps, axis), FitOptions(timing=timing))


@pytest.mark.parametrize("function", VERSIONS)
@pytest.mark.parametrize("axis", [1, 2])
def test_no_groups_and_no_rows_are_refused(function, axis):
    ramps, timing = random_ramps(1, 2, 3)
    with pytest.raises((IndexError, TypeError)):
        function(**without(ramps, axis), options=FitOptions(timing=timing))


def test_arguments_that_are_not_aligned():
    ramps, timing = random_ramps(2, 3, 6, shape=(4, 33))
    options = FitOptions(timing=timing, suppress_one_group=False, restore_charge_loss=True)
    assert_equal(
        fit_ramps(**{name: unaligned(x) for name, x in ramps.items()}, options=options),
        fit_ramps(**ramps, options=options),
    )


@pytest.mark.parametrize("workers", [2, 3, 9])
@pytest.mark.parametrize("suppress", [True, False])
def test_workers_share_the_rows(workers, suppress):
    ramps, timing = random_ramps(6, 2, 8, shape=(7, 200), lost=0.1)
    options = FitOptions(timing=timing, suppress_one_group=suppress, restore_charge_loss=True)
    assert_equal(fit_ramps(**ramps, options=options, workers=workers), fit_ramps(**ramps, options=options))


NOT_FINITE = np.array([np.nan, np.inf, -np.inf], np.float32)


@pytest.mark.parametrize("value", NOT_FINITE, ids=str)
@pytest.mark.parametrize("name", ["data", "readnoise", "gain", "dark_current", "zeroframe"])
def test_what_is_not_finite(name, value):
    """All of an argument, and a part of it."""
    for share in (1.0, 0.3):
        ramps, timing = random_ramps(8, 3, 6, shape=(4, 70), lost=0.1)
        ramps[name][np.random.default_rng(1).random(ramps[name].shape) < share] = value
        for suppress in (True, False):
            assert_same(ramps, FitOptions(timing=timing, suppress_one_group=suppress, restore_charge_loss=True))


def test_what_is_not_finite_everywhere():
    ramps, timing = random_ramps(9, 3, 9, shape=(4, 300), lost=0.05)
    rng = np.random.default_rng(2)
    for x in (x for x in ramps.values() if x.dtype == np.float32):
        where = rng.random(x.shape) < 0.2
        x[where] = rng.choice(NOT_FINITE, where.sum())
    for suppress in (True, False):
        assert_same(ramps, FitOptions(timing=timing, suppress_one_group=suppress, restore_charge_loss=True))


def test_numbers_as_large_as_can_be():
    """Steps between them are just finite."""
    ramps, timing = random_ramps(4, 2, 8, shape=(4, 100))
    rng = np.random.default_rng(3)
    where = rng.random(ramps["data"].shape) < 0.1
    ramps["data"][where] = np.float32(1.7e38) * rng.choice([-1, 1], where.sum())
    assert_same(ramps, FitOptions(timing=timing, suppress_one_group=False))


@pytest.mark.parametrize("name", ["data", "gain", "dark_current", "zeroframe"])
def test_other_types_are_left_to_the_portable_function(name):
    ramps, timing = random_ramps(4, 2, 5)
    ramps[name] = ramps[name].astype(np.float64)
    assert_same(ramps, FitOptions(timing=timing))


@pytest.mark.parametrize("wrong", ["dark_current", "zeroframe"])
def test_shapes_of_what_may_be_missing_are_checked(wrong):
    ramps, timing = random_ramps(1, 2, 3)
    ramps[wrong] = ramps[wrong][..., :2].copy()
    with pytest.raises(ValueError, match="kernel ramp_fit"):
        fit_ramps(**ramps, options=FitOptions(timing=timing))
