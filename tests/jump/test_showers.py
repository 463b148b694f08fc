"""Showers: their faint light against slow loops, the ellipses that are flagged, and the flags that are taken back."""

import numpy as np
import pytest
from astropy.stats import sigma_clipped_stats
from hypothesis import given
from hypothesis import strategies as st

from gpipe.dq import DO_NOT_USE, JUMP_DET, REFERENCE_PIXEL, SATURATED
from gpipe.jump.groups_host import large_groups
from gpipe.jump.settings import ShowerSettings
from gpipe.jump.shower_amplitude import keep_small_changes
from gpipe.jump.shower_light import LightSettings, faint_light, ring_offsets
from gpipe.jump.showers_host import flag_showers

FRAMES = 4
LEFT_OUT = DO_NOT_USE | SATURATED | JUMP_DET


def exposure(rng, shape=(2, 5, 12, 14)):
    """Ramps with flags of every kind, NaN, pixels without gain or noise, and reference pixels."""
    data = np.cumsum(rng.normal(20, 9, shape), axis=1).astype(np.float32)
    groupdq = rng.choice(np.array([0] * 30 + [1, 2, 4, 16, 65], np.uint8), shape)
    data[rng.random(shape) < 0.01] = np.nan
    pixeldq = rng.choice(np.array([0] * 20 + [1, 2, 4, 16], np.uint32), shape[2:])
    pixeldq[:, 0] = REFERENCE_PIXEL
    pixeldq[::2, -1] = REFERENCE_PIXEL | 16
    gain = rng.uniform(1.5, 2.0, shape[2:]).astype(np.float32)
    noise = rng.uniform(5, 9, shape[2:]).astype(np.float32)
    gain[3, 5], gain[3, 6] = np.nan, 0
    return data, groupdq, pixeldq, gain, noise


def differences(data, groupdq, gain):
    return np.diff(np.where((groupdq & LEFT_OUT) == 0, data, np.nan) * gain, axis=1)


def slow(data, groupdq, pixeldq, gain, noise, inner, width, threshold, by_group):
    d = differences(data, groupdq, gain)
    if by_group:
        _, flux, sigma = sigma_clipped_stats(d, sigma=5, axis=0)
    else:
        flux = np.nanmedian(d, axis=(0, 1))[None]
        sigma = np.sqrt(np.abs(flux) + (noise * gain) ** 2 / FRAMES)
    with np.errstate(all="ignore"):
        ratio = np.abs(d - flux) / sigma
    ratio[..., ((pixeldq & LEFT_OUT) != 0) | (pixeldq == REFERENCE_PIXEL)] = np.nan
    light = np.zeros(data.shape, bool)
    rows, columns = data.shape[2:]
    for i, g, row, column in np.ndindex(*ratio.shape):
        around = []
        for r, c in np.ndindex(9, 9):
            if inner**2 <= (r - 4) ** 2 + (c - 4) ** 2 <= (inner + width) ** 2:
                r, c = row + r - 4, column + c - 4
                inside = 0 <= r < rows and 0 <= c < columns
                around.append(ratio[i, g, r, c] if inside else 0.0)
        known = [v for v in around if np.isfinite(v)]
        mean = np.mean(known) if known else np.nan
        light[i, g + 1, row, column] = np.isfinite(ratio[i, g, row, column]) and mean > threshold
    return light


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("by_group", [False, True])
@pytest.mark.parametrize(("inner", "width"), [(1.0, 2.6), (0.0, 1.0), (2.0, 0.5)])
def test_light_is_where_the_ring_around_is_off_the_usual(library, rng, inner, width, by_group):
    ramp = exposure(rng, (7, 3, 8, 9) if by_group else (2, 4, 8, 9))
    settings = LightSettings(frames=FRAMES, threshold=0.8, ring=ring_offsets(inner, width), by_group=by_group)
    light = library.run(faint_light, *ramp, settings=settings)
    assert light.dtype == bool
    np.testing.assert_array_equal(light, slow(*ramp, inner, width, 0.8, by_group))
    assert 0 < light.mean() < 0.9


def test_one_difference_is_its_own_median(library, rng):
    ramp = exposure(rng, (1, 2, 6, 8))
    settings = LightSettings(frames=1, threshold=0.1, ring=ring_offsets(1.0, 1.0))
    assert not library.run(faint_light, *ramp, settings=settings).any()


def test_blocks_of_rows_do_not_show(rng, monkeypatch):
    ramp = exposure(rng)
    settings = LightSettings(frames=FRAMES, threshold=0.8, ring=ring_offsets(1.0, 2.6))
    whole = faint_light(*ramp, settings=settings)
    monkeypatch.setattr("gpipe.jump.shower_light.CACHED_SAMPLES", 1)
    monkeypatch.setattr("gpipe.arrays.rows.row_slices.__kwdefaults__", {"pixels": 20})
    np.testing.assert_array_equal(faint_light(*ramp, settings=settings), whole)


@given(st.floats(0, 4), st.floats(0, 4))
def test_rings_are_symmetric(inner, width):
    ring = set(ring_offsets(inner, width))
    assert ring == {(c, r) for r, c in ring} == {(-r, c) for r, c in ring}
    assert all(inner - 1e-6 <= np.hypot(r, c) <= inner + width + 1e-6 for r, c in ring)
    assert ((0, 0) in ring) == (inner**2 == 0)


ROW, COLUMN = np.mgrid[:80, :90]


def disc(radius, row=40, column=45):
    return (ROW - row) ** 2 + (COLUMN - column) ** 2 <= radius**2


def flag(groupdq, light, **changed):
    defaults = {"min_area": 90, "expand_ratio": 1.1, "max_axis": 400.0, "later_groups": 2}
    return flag_showers(groupdq, light, ShowerSettings(**defaults | changed))


def shower(radius=8, integrations=2, groups=6, **where):
    light = np.zeros((integrations, groups, *ROW.shape), bool)
    light[0, 2] = disc(radius, **where)
    return np.zeros(light.shape, np.uint8), light


@pytest.mark.parametrize(("later", "last"), [(0, 2), (2, 4), (50, 5)])
def test_an_area_and_a_rim_are_flagged_for_some_groups(later, last):
    flags, light = shower()
    found = flag(flags, light, later_groups=later)
    jumps = found.groupdq == JUMP_DET
    assert found.count == 1
    assert np.all(jumps[0, 2 : last + 1][:, disc(7)])
    assert not np.any(jumps[..., ~disc(10)])
    assert not np.any(jumps[1])
    assert np.flatnonzero(jumps[0].any(axis=(-2, -1))).tolist() == list(range(2, last + 1))
    assert not flags.any()


def test_flags_of_showers_stay_where_they_are(library):
    flags, light = shower()
    light |= shower(radius=6, row=12, column=20)[1]
    flags[0, 3:, 35:39, 40:44] = SATURATED
    on_the_host = lambda flagged, least: large_groups(library.to_host(flagged), least)  # noqa: E731
    settings = ShowerSettings(min_area=90, expand_ratio=1.1, max_axis=400.0, later_groups=2)
    found = library.run(flag_showers, flags, light, settings, on_the_host)
    assert found.count == 2
    assert found.groupdq.dtype == np.uint8
    assert np.all(found.groupdq[0, 3:, 35:39, 40:44] == SATURATED)
    np.testing.assert_array_equal(found.groupdq, flag(flags, light).groupdq)


def test_growth_and_its_bound():
    flags, light = shower()
    grown = flag(flags, light, expand_ratio=2.0).groupdq[0, 2] == JUMP_DET
    assert np.all(grown[disc(14)])
    assert not np.any(grown[~disc(17)])
    bounded = flag(flags, light, max_axis=10).groupdq[0, 2] == JUMP_DET
    assert np.all(bounded[disc(4)])
    assert not np.any(bounded[~disc(5)])


def test_small_areas_are_none_but_holes_count():
    flags, light = shower(radius=5)
    assert flag(flags, light).count == 0
    light[0, 2] |= disc(6)
    light[0, 2] &= ~disc(4)
    assert light[0, 2].sum() < 90
    assert flag(flags, light).count == 1


def test_saturated_pixels_get_no_flag_from_then_on():
    flags, light = shower()
    flags[0, 3, 40, 45] = SATURATED
    flags[0, 2, 41, 45] = DO_NOT_USE
    found = flag(flags, light).groupdq[0]
    assert found[2:5, 40, 45].tolist() == [JUMP_DET, SATURATED, 0]
    assert found[2, 41, 45] == DO_NOT_USE | JUMP_DET


def slow_keep(data, before, after, pixeldq, gain, most):
    out = before.copy()
    for i, row, column in np.ndindex(data.shape[0], *gain.shape):
        here = np.s_[i : i + 1, :, row : row + 1, column : column + 1]
        means = []
        for flags in (before, after):
            d = differences(data[here], flags[here], gain[row, column])
            means.append(d[~np.isnan(d)].mean() if np.any(~np.isnan(d)) else np.nan)
        if abs(means[0] - means[1]) <= most and pixeldq[row, column] != REFERENCE_PIXEL:
            out[here] = after[here]
    return out


def test_flags_that_change_a_rate_by_much_are_taken_back(library, rng):
    data, before, pixeldq, gain, _ = exposure(rng)
    after = before | rng.choice(np.array([0, 0, JUMP_DET], np.uint8), before.shape)
    after[1, :, 5] |= JUMP_DET
    kept = library.run(keep_small_changes, data, before, after, pixeldq, gain, most=6.0)
    assert kept.dtype == np.uint8
    np.testing.assert_array_equal(kept, slow_keep(data, before, after, pixeldq, gain, 6.0))
    assert np.any(kept != before)
    assert np.any(kept != after)
    np.testing.assert_array_equal(kept[1, :, 5], before[1, :, 5])
