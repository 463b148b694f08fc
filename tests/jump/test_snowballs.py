"""Snowballs: large events, their saturated cores, and the flags around them."""

import numpy as np
import pytest
from helpers.flood_fill import flood
from hypothesis import given
from hypothesis import strategies as st

from gpipe.dq import DO_NOT_USE, JUMP_DET, SATURATED
from gpipe.jump.events_host import Ellipse, events, filled
from gpipe.jump.groups_host import large_groups
from gpipe.jump.settings import SnowballSettings
from gpipe.jump.snowballs_host import flag_snowballs

DEFAULTS = {
    "min_jump_area": 5.0,
    "min_sat_area": 1.0,
    "expand_factor": 2.0,
    "sat_required": True,
    "min_sat_radius_extend": 2.5,
    "sat_expand": 4.0,
    "edge_size": 10,
    "max_axis": 400.0,
    "next_integration_groups": 3,
}
ROW, COLUMN = np.mgrid[:90, :100]


def disc(radius, row=45, column=50):
    return (ROW - row) ** 2 + (COLUMN - column) ** 2 <= radius**2


def exposure(jump=9, core=4, group=3, integrations=2, **place):
    """A snowball in the first integration: a disc of jumps in one group, saturated in the middle from there on."""
    flags = np.zeros((integrations, 6, *ROW.shape), np.uint8)
    flags[0, group:][:, disc(core, **place)] = SATURATED
    flags[0, group][disc(jump, **place) & ~disc(core, **place)] = JUMP_DET
    return flags


def flag(flags, **changed):
    return flag_snowballs(flags, SnowballSettings(**DEFAULTS | changed))


def test_surroundings_are_flagged_to_twice_the_radius():
    found = flag(exposure())
    jumps = (found.groupdq[0, 3] & JUMP_DET) != 0
    assert found.count == 1
    assert np.all(jumps[disc(17) & ~disc(8)])
    assert not np.any(jumps & ~disc(20))
    assert not np.any(found.groupdq[0, [0, 1, 2]])
    assert not np.any(found.groupdq[0, 4:] & JUMP_DET)


def test_the_core_grows_in_all_later_groups():
    saturated = (flag(exposure()).groupdq[0] & SATURATED) != 0
    assert np.all(saturated[3:][:, disc(4.5)])
    assert not np.any(saturated[:3])
    assert not np.any(saturated[:, ~disc(7)])


def test_a_grown_core_has_no_other_flag():
    flags = exposure()
    flags[0, :, disc(5)] |= DO_NOT_USE
    found = flag(flags).groupdq
    assert np.all(found[0, 3:][:, disc(3)] == SATURATED)
    assert np.all(found[0, :3][:, disc(3)] == DO_NOT_USE)


@pytest.mark.parametrize(("groups", "flagged"), [(0, 0), (1, 0), (3, 2), (100, 5)])
def test_cores_are_flagged_at_the_start_of_the_next_integration(groups, flagged):
    jumps = (flag(exposure(), next_integration_groups=groups).groupdq[1] & JUMP_DET) != 0
    assert np.all(jumps[1 : 1 + flagged][:, disc(2)])
    assert not np.any(jumps[1 + flagged :])
    assert not np.any(jumps[:1])
    assert not np.any(jumps[:, ~disc(6)])


def test_a_core_may_saturate_in_the_next_group():
    flags = exposure()
    flags[0, 3][disc(4)] = JUMP_DET
    assert flag(flags).count == 1


def test_without_a_core_it_is_no_snowball():
    flags = exposure(core=0)
    flags[flags == SATURATED] = JUMP_DET
    found = flag(flags)
    assert found.count == 0
    np.testing.assert_array_equal(found.groupdq, flags)


def test_without_a_core_it_is_one_near_the_edge_or_when_none_is_required():
    flags = exposure(core=0)
    flags[flags == SATURATED] = JUMP_DET
    assert flag(flags, sat_required=False).count == 1
    assert flag(flags, edge_size=46).count == 1


@pytest.mark.parametrize("place", [{"row": 5}, {"row": 84}, {"column": 5}, {"column": 94}])
def test_each_edge_counts(place):
    flags = exposure(core=0, jump=4, **place)
    flags[flags == SATURATED] = JUMP_DET
    assert flag(flags).count == 1


def test_a_core_elsewhere_does_not_count():
    flags = exposure(core=0)
    flags[flags == SATURATED] = JUMP_DET
    flags[0, 3, 70:74, 70:74] = SATURATED
    assert flag(flags).count == 0


def test_small_cores_do_not_grow_and_small_events_are_none():
    flags = exposure(core=1, jump=6)
    found = flag(flags)
    assert found.count == 1
    np.testing.assert_array_equal(found.groupdq & SATURATED, flags & SATURATED)
    assert not np.any(found.groupdq[1])
    assert flag(flags, min_jump_area=200).count == 0
    assert flag(flags, min_sat_area=10).count == 0


def test_nothing_is_larger_than_the_longest_axis():
    found = flag(exposure(), max_axis=10.0)
    assert not np.any((found.groupdq[0, 3] & JUMP_DET)[~disc(9)])
    assert not np.any((found.groupdq[0, 5] & SATURATED)[~disc(5)])


def test_flags_stay_where_they_are(library, rng):
    flags = exposure()
    flags |= exposure(jump=7, core=3, group=4, row=70, column=80) | exposure(jump=5, core=0, group=2, row=4)
    flags |= np.where(rng.random(flags.shape) < 0.02, DO_NOT_USE, 0).astype(np.uint8)
    on_the_host = lambda flagged, least: large_groups(library.to_host(flagged), least)  # noqa: E731
    found = library.run(flag_snowballs, flags, SnowballSettings(**DEFAULTS), on_the_host)
    expected = flag(flags)
    np.testing.assert_array_equal(found.groupdq, expected.groupdq)
    assert found.groupdq.dtype == np.uint8
    assert found.count == expected.count == 3


# --- events and ellipses ---


def test_an_event_that_encloses_pixels_counts_them():
    ring = disc(6) & ~disc(3)
    assert len(events(ring, np.count_nonzero(disc(6)))) == 1
    assert events(ring, np.count_nonzero(disc(6)) + 1) == []


def test_pixels_that_touch_at_corners_are_one_event():
    assert len(events(np.eye(8, dtype=bool), 8)) == 1


def test_a_disc_is_a_circle():
    (found,) = events(disc(20), 5)
    assert (found.row, found.column) == (45, 50)
    assert found.major == pytest.approx(39, abs=0.5)
    assert found.minor == pytest.approx(found.major, abs=0.1)


@pytest.mark.parametrize("angle", [-1.2, -0.6, 0.0, 0.4, 1.0, 1.5])
def test_a_drawn_ellipse_is_found_again(angle):
    drawn = Ellipse(45.0, 50.0, 60.0, 24.0, angle)
    patch = filled(drawn, ROW.shape)
    image = np.zeros(ROW.shape, bool)
    image[patch.rows, patch.columns] = patch.mask
    (found,) = events(image, 5)
    assert (found.row, found.column) == pytest.approx((45, 50), abs=0.2)
    assert (found.major, found.minor) == pytest.approx((59, 23), abs=1.0)
    assert np.sin(found.angle - angle) == pytest.approx(0, abs=0.03)
    inside = np.array([[drawn.holds(r, c) for c in range(100)] for r in range(90)])
    assert np.count_nonzero(inside != image) <= np.count_nonzero(image) // 50 + 4


@pytest.mark.parametrize(("row", "column"), [(0, 0), (-3, 50), (89, 99), (45, 120)])
def test_ellipses_at_the_edge_are_cut(row, column):
    patch = filled(Ellipse(row, column, 20, 20, 0.0), ROW.shape)
    image = np.zeros(ROW.shape, bool)
    if patch is not None:
        image[patch.rows, patch.columns] = patch.mask
    np.testing.assert_array_equal(image, (ROW - row) ** 2 + (COLUMN - column) ** 2 < 100)


def test_a_point_has_no_inside():
    (point,) = events(disc(0), 1)
    assert filled(point, ROW.shape) is None


@given(st.integers(0, 2**32 - 1), st.floats(1, 12))
def test_events_are_those_of_a_flood_fill(seed, least):
    flagged = np.random.default_rng(seed).random((12, 15)) < 0.35
    assert len(events(flagged, least)) == sum(area >= least for area in filled_areas(flagged))


def filled_areas(flagged):
    """Areas of eight-connected groups with enclosed pixels, by flood fill."""
    left = {tuple(p) for p in np.argwhere(flagged)}
    while left:
        group = flood({left.pop()}, left)
        left -= group
        frame = {(r, c) for r in range(-1, flagged.shape[0] + 1) for c in range(-1, flagged.shape[1] + 1)} - group
        yield len(group) + len(frame - flood({(-1, -1)}, frame))


@given(st.integers(3, 12), st.integers(3, 12))
def test_walls_count_with_what_they_enclose(rows, columns):
    flagged = np.zeros((20, 20), bool)
    flagged[2 : 2 + rows, 2 : 2 + columns] = True
    flagged[3 : 1 + rows, 3 : 1 + columns] = False
    assert len(events(flagged, rows * columns)) == 1
    assert not events(flagged, rows * columns + 1)
