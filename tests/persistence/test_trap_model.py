import numpy as np
import pytest
from helpers.plain_traps import plain_capture, plain_correction, plain_step
from hypothesis import given
from hypothesis import strategies as st

from gpipe import dq
from gpipe.persistence.capture import TrapPixels, captured_charge, mean_step, trap_pixels
from gpipe.persistence.families import TrapFamily
from gpipe.persistence.trap_model import TrapTiming, correct_traps, decayed_traps, empty_traps, put_in_frame

ROWS, COLUMNS = 5, 7
FAMILIES = [TrapFamily(0.3, 0.05, 0.02, 0.02), TrapFamily(0.5, 0.004, 0.0, 0.0015), TrapFamily(0.1, 0.3, 0.1, 0.2)]
TIMING = TrapTiming(group=10.7, first_reset=5.3, later_resets=2 * 5.3)
FLAGS = np.array([0] * 8 + [dq.DO_NOT_USE, dq.JUMP_DET], dtype=np.uint8)


@pytest.fixture
def ramps(rng):
    """A function from groups to ramps of which some saturate, with flags; a few samples have no value."""

    def make(integrations, groups):
        shape = (integrations, groups, ROWS, COLUMNS)
        data = np.cumsum(rng.uniform(0, 9000, shape) * rng.random((ROWS, COLUMNS)), axis=1) + rng.normal(0, 5, shape)
        groupdq = rng.choice(FLAGS, shape)
        groupdq |= ((data > 25000) * dq.SATURATED).astype(np.uint8)
        data[rng.random(shape) < 0.01] = np.nan
        return data.astype(np.float32), groupdq

    return make


@pytest.fixture
def pixels(rng):
    density = rng.uniform(0, 200, (ROWS, COLUMNS)).astype(np.float32)
    return TrapPixels(density, rng.uniform(15000, 30000, (ROWS, COLUMNS)).astype(np.float32))


@pytest.mark.parametrize("groups", [1, 2, 3, 8, 40])
def test_mean_step_against_a_loop(library, ramps, groups):
    data, groupdq = (x[0] for x in ramps(1, groups))
    found = library.run(mean_step, data, groupdq)
    assert found.dtype == np.float32
    for y, x in np.ndindex(ROWS, COLUMNS):
        expected = plain_step(data[:, y, x], groupdq[:, y, x])
        assert found[y, x] == pytest.approx(expected, rel=1e-5, abs=1e-3)


@pytest.mark.parametrize("groups", [1, 2, 8])
def test_capture_against_a_loop(library, ramps, pixels, groups):
    data, groupdq = (x[0] for x in ramps(1, groups))
    step = mean_step(data, groupdq)
    found = library.run(captured_charge, data, groupdq, step, pixels, FAMILIES, 10.7, 5.3)
    for family, plane in zip(FAMILIES, found, strict=True):
        assert plane.dtype == np.float32
        for y, x in np.ndindex(ROWS, COLUMNS):
            values = data[:, y, x], groupdq[:, y, x], float(step[y, x])
            traps = float(pixels.density[y, x]), float(pixels.full_well[y, x])
            expected = plain_capture(*values, *traps, family, 10.7, 5.3)
            assert plane[y, x] == pytest.approx(expected, rel=2e-5, abs=1e-6)


@pytest.mark.parametrize(("integrations", "groups"), [(1, 1), (3, 2), (2, 6)])
@pytest.mark.parametrize("keep", [False, True])
def test_correction_against_a_loop(library, ramps, pixels, rng, integrations, groups, keep):
    data, groupdq = ramps(integrations, groups)
    pixeldq = rng.integers(0, 1 << 30, (ROWS, COLUMNS)).astype(np.uint32)
    filled = rng.uniform(0, 300, (len(FAMILIES), ROWS, COLUMNS)).astype(np.float32)
    filled[1, 2, 3] = np.nan
    traps = {"families": FAMILIES, "timing": TIMING}
    out = library.run(
        correct_traps, data, groupdq, pixeldq, filled, pixels, **traps, cutoff=100.0, keep_persistence=keep
    )
    assert (out.data.dtype, out.pixeldq.dtype, out.filled.dtype) == (np.float32, np.uint32, np.float32)
    assert (out.persistence is not None) == keep
    unknown = np.isnan(filled).any(axis=0) & (pixeldq & dq.REFERENCE_PIXEL == 0)
    for y, x in np.ndindex(ROWS, COLUMNS):
        corrected, state, persistence = plain_correction(
            data[:, :, y, x],
            groupdq[:, :, y, x],
            filled[:, y, x],
            float(pixels.density[y, x]),
            float(pixels.full_well[y, x]),
            **traps,
        )
        np.testing.assert_allclose(out.data[:, :, y, x], corrected, rtol=1e-5, atol=1e-3)
        np.testing.assert_allclose(out.filled[:, y, x], state, rtol=1e-4, atol=1e-4)
        assert bool(out.pixeldq[y, x] & dq.PERSISTENCE) == bool(
            pixeldq[y, x] & dq.PERSISTENCE or (persistence >= 100).any() or unknown[y, x]
        )
        if keep:
            np.testing.assert_allclose(out.persistence[:, :, y, x], persistence, rtol=1e-5, atol=1e-4)
    assert ((out.pixeldq | dq.PERSISTENCE) == (pixeldq | dq.PERSISTENCE)).all()


def test_without_a_cutoff_nothing_is_flagged(library, ramps, pixels):
    data, groupdq = ramps(1, 3)
    filled = np.full((3, ROWS, COLUMNS), 1e4, np.float32)
    pixeldq = np.zeros((ROWS, COLUMNS), np.uint32)
    out = library.run(correct_traps, data, groupdq, pixeldq, filled, pixels, families=FAMILIES, timing=TIMING)
    assert (out.pixeldq == 0).all()


def test_what_the_references_do_not_know(library):
    density = np.array([[5, np.nan, 5, 5, 5, 5, np.inf, 5]], np.float32)
    density_dq = np.array([[0, 0, dq.DO_NOT_USE, dq.HOT, 0, 0, 0, 0]], np.uint32)
    well = np.array([[100, 100, 100, np.nan, 0, 100, 100, np.inf]], np.float32)
    well_dq = np.array([[0, 0, 0, 0, 0, dq.DO_NOT_USE, 0, 0]], np.uint32)
    out = library.run(trap_pixels, density, density_dq, well, well_dq)
    np.testing.assert_array_equal(out.density, [[5, 0, 0, 5, 5, 5, 0, 5]])
    np.testing.assert_array_equal(out.full_well, [[100, 100, 100, 1e7, np.inf, np.inf, 100, np.inf]])
    np.testing.assert_array_equal(out.unknown, [[0, 1, 0, 1, 0, 0, 1, 1]])
    assert out.density.dtype == out.full_well.dtype == np.float32


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["density", "well", "filled"])
def test_a_pixel_of_unknown_traps_is_flagged_and_its_signal_stays_finite(library, name, value):
    planes = {"density": np.full((1, 3), 5, np.float32), "well": np.full((1, 3), 1e5, np.float32)}
    filled = np.full((3, 1, 3), 50, np.float32)
    (filled[1] if name == "filled" else planes[name])[0, 1:] = value
    no_flags = np.zeros((1, 3), np.uint32)
    pixels = library.run(trap_pixels, planes["density"], no_flags, planes["well"], no_flags)
    pixeldq = np.array([[0, 0, dq.REFERENCE_PIXEL]], np.uint32)
    data, groupdq = np.full((2, 3, 1, 3), 100, np.float32), np.full((2, 3, 1, 3), dq.JUMP_DET, np.uint8)
    how = {"families": FAMILIES, "timing": TIMING}
    out = library.run(correct_traps, data, groupdq, pixeldq, filled, pixels, **how)
    assert np.isfinite(out.data).all()
    assert np.isfinite(out.filled).all()
    np.testing.assert_array_equal(out.pixeldq, [[0, dq.PERSISTENCE, dq.REFERENCE_PIXEL]])


def test_a_well_of_unknown_depth_fills_no_traps(library):
    ramp = np.full((3, 1, 1), 6e4, np.float32)
    groupdq = np.full((3, 1, 1), dq.JUMP_DET, np.uint8)
    pixels = TrapPixels(np.ones((1, 1), np.float32), np.full((1, 1), np.inf, np.float32))
    step = np.full((1, 1), 500, np.float32)
    found = library.run(captured_charge, ramp, groupdq, step, pixels, FAMILIES, 10.7, 5.3)
    assert [float(plane[0, 0]) for plane in found] == [0, 0, 0]


def test_traps_of_the_whole_detector(library):
    data = np.zeros((1, 2, 3, 4), np.float32)
    assert library.run(empty_traps, FAMILIES, data).shape == (3, 3, 4)
    frame = library.run(empty_traps, FAMILIES, data, shape=(6, 8))
    assert (frame.shape, frame.dtype) == ((3, 6, 8), np.float32)
    part = np.arange(36, dtype=np.float32).reshape(3, 3, 4)
    whole = library.run(put_in_frame, frame, part, slice(2, 5), slice(1, 5))
    np.testing.assert_array_equal(whole[:, 2:5, 1:5], part)
    assert whole.sum() == part.sum()


def test_decay_of_filled_traps(library):
    filled = np.full((3, 1, 2), 100, np.float32)
    filled[0, 0, 1] = np.nan
    left = library.run(decayed_traps, filled, FAMILIES, 50.0)
    np.testing.assert_allclose(left[:, 0, 0], 100 * np.exp(-50 * np.array([0.02, 0.0015, 0.2])), rtol=1e-6)
    assert np.isnan(left[0, 0, 1])


@given(st.floats(0, 1e5), st.integers(1, 6), st.integers(1, 4))
def test_charge_is_neither_lost_nor_made(filled, groups, integrations):
    """In the dark, charge that traps lose was subtracted, or reset between integrations."""
    shape = (integrations, groups, 1, 1)
    timing = TrapTiming(10.0, 0.0, 0.0)
    start = np.full((1, 1, 1), filled, np.float32)
    dark = TrapPixels(np.zeros((1, 1), np.float32), np.ones((1, 1), np.float32))
    zeros = np.zeros(shape, np.float32), np.zeros(shape, np.uint8), np.zeros((1, 1), np.uint32)
    out = correct_traps(*zeros, start, dark, families=FAMILIES[:1], timing=timing)
    released = -float(np.sum(out.data[:, -1], dtype=float))
    assert float(out.filled[0, 0, 0]) + released == pytest.approx(float(start[0, 0, 0]), rel=1e-4, abs=1e-30)


def test_times():
    assert TIMING.resets_before(0) == 5.3
    assert TIMING.resets_before(1) == TIMING.resets_before(4) == 10.6
    assert TIMING.exposure(3, 4) == pytest.approx(12 * 10.7 + 2 * 10.6)
