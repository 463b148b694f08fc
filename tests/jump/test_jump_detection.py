from dataclasses import replace

import numpy as np
import pytest
from helpers.plain_jumps import iterative, sigma_clip, single_pass
from hypothesis import given, settings
from hypothesis import strategies as st

from gpipe.jump.after_jump import AfterJump
from gpipe.jump.detection import JumpSettings, flag_jumps, flag_unknown_gain, jumps_alone, unflag_full_groups
from gpipe.jump.differences import first_differences, read_variance
from gpipe.jump.iterative import Thresholds
from gpipe.jump.method import Method
from gpipe.jump.neighbours import Neighbours

DO_NOT_USE, SATURATED, JUMP_DET = 1, 2, 4
ALONE = JumpSettings(method=Method.ITERATIVE, thresholds=Thresholds(four_or_more=4, three=5, two=6), frames=2)
SPREADING = replace(
    ALONE,
    neighbours=Neighbours(least=10, most=100),
    after=(AfterJump(dn=200, groups=1), AfterJump(dn=1000, groups=3)),
)


def ramps(rng, shape=(2, 7, 8, 9)):
    data = np.cumsum(rng.normal(60, 8, shape), axis=1)
    data += np.cumsum(np.where(rng.random(shape) < 0.05, rng.exponential(900, shape), 0), axis=1)
    groupdq = rng.choice([0, 0, 0, 0, 0, 0, 0, 16, DO_NOT_USE, SATURATED, JUMP_DET], shape).astype(np.uint8)
    gain = rng.uniform(1.5, 2, shape[-2:]).astype(np.float32)
    return data.astype(np.float32), groupdq, gain, rng.uniform(4, 8, shape[-2:]).astype(np.float32)


def jumps_of_each_pixel(data, groupdq, gain, readnoise, how):
    """groupdq with the jumps themselves, by the plain loops."""
    differences = first_differences(data, groupdq, gain)
    variance = read_variance(readnoise, gain, frames=how.frames)
    out, limits = groupdq.copy(), how.thresholds
    together = (-1,) if how.method is not Method.SIGMA_CLIP or not how.only_use_ints else (differences.shape[0], -1)
    for y, x in np.ndindex(gain.shape):
        flags = np.zeros(differences.shape[:2], bool).reshape(together)
        values = differences[:, :, y, x].reshape(together)
        if how.method is Method.ITERATIVE:
            found = iterative(values.tolist(), float(variance[y, x]), limits.four_or_more, limits.three, limits.two)
            flags[sorted(found)] = True
        elif how.method is Method.SINGLE_PASS:
            flags[sorted(single_pass(values.tolist(), float(variance[y, x]), limits.four_or_more))] = True
        else:
            for g in range(values[0].size):
                flags.reshape(-1, values[0].size)[
                    sorted(sigma_clip(values.reshape(len(values), -1)[:, g].tolist(), limits.four_or_more)), g
                ] = True
        out[:, 1:, y, x] |= JUMP_DET * flags.reshape(differences.shape[:2]).astype(np.uint8)
    return out


def without_redundant(groupdq):
    return np.where(groupdq & (DO_NOT_USE | SATURATED), groupdq & ~np.uint8(JUMP_DET), groupdq)


def spread(data, groupdq, gain, readnoise, how):
    """Neighbours, then the groups after large jumps, by plain loops."""
    differences = first_differences(data, groupdq, gain)
    with np.errstate(all="ignore"):
        flux = np.full(gain.shape, np.nan)
        for y, x in np.ndindex(gain.shape):
            values = differences[:, :, y, x]
            flux[y, x] = np.median(values[~np.isnan(values)])
    sigma = np.sqrt(np.abs(flux) + read_variance(readnoise, gain, frames=how.frames))
    usable = (groupdq & (DO_NOT_USE | SATURATED)) == 0
    out = groupdq.copy()
    rows, columns = gain.shape
    for i, g, y, x in np.ndindex(differences.shape):
        off = abs(differences[i, g, y, x] - flux[y, x]) / sigma[y, x]
        if groupdq[i, g + 1, y, x] & JUMP_DET and how.neighbours.least < off < how.neighbours.most:
            for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if 0 <= v < rows and 0 <= u < columns and usable[i, g + 1, v, u]:
                    out[i, g + 1, v, u] |= JUMP_DET
    after = out.copy()
    for i, g, y, x in np.ndindex(differences.shape):
        for large in how.after:
            big = differences[i, g, y, x] - flux[y, x] >= large.dn * np.median(gain)
            if big and out[i, g + 1, y, x] & JUMP_DET:
                reached = slice(g + 1, g + 2 + large.groups)
                after[i, reached, y, x] |= np.where(usable[i, reached, y, x], JUMP_DET, 0).astype(np.uint8)
    return after


@pytest.mark.parametrize("method", [Method.ITERATIVE, Method.SINGLE_PASS])
def test_two_point_differences_against_plain_loops(library, rng, method):
    exposure = ramps(rng)
    how = replace(SPREADING, method=method)
    out = library.run(flag_jumps, *exposure, settings=how)
    found = jumps_of_each_pixel(*exposure, how)
    np.testing.assert_array_equal(out.primary, np.count_nonzero(found & JUMP_DET, axis=(0, 1, 3)))
    np.testing.assert_array_equal(out.groupdq, without_redundant(spread(exposure[0], found, *exposure[2:], how)))
    assert out.groupdq.dtype == np.uint8


@pytest.mark.parametrize("only_use_ints", [True, False])
def test_sigma_clipping_against_plain_loops(library, rng, only_use_ints):
    exposure = ramps(rng, (30, 4, 4, 5))
    how = replace(
        ALONE,
        method=Method.SIGMA_CLIP,
        only_use_ints=only_use_ints,
        thresholds=Thresholds(four_or_more=3, three=9, two=9),
    )
    out = library.run(flag_jumps, *exposure, settings=how)
    np.testing.assert_array_equal(out.groupdq, without_redundant(jumps_of_each_pixel(*exposure, how)))


def test_a_group_in_which_every_pixel_jumps_is_no_hit(library, rng):
    data, groupdq, gain, readnoise = ramps(rng, (20, 4, 3, 3))
    groupdq[:] = 0
    groupdq[4, 2, 0, 0] = DO_NOT_USE
    data[4, 2:] += 50000
    how = replace(ALONE, method=Method.SIGMA_CLIP)
    out = library.run(flag_jumps, data, groupdq, gain, readnoise, settings=how)
    assert not np.any(out.groupdq[4, 2] & JUMP_DET)
    rows = library.run(flag_jumps, data, groupdq, gain, readnoise, settings=replace(how, whole_images=False))
    either = (rows.groupdq & (JUMP_DET | DO_NOT_USE)) != 0
    np.testing.assert_array_equal(rows.open_rows, ~either.all(axis=-1))
    assert np.all(either[4, 2])
    alone = library.run(jumps_alone, rows.groupdq, [(4, 2), (0, 3)])
    expected = np.zeros(alone.shape)
    for place in ((4, 2), (0, 3)):
        expected[place] = np.count_nonzero(rows.groupdq[place] == JUMP_DET, axis=-1)
    np.testing.assert_array_equal(alone, expected)
    cleared = library.run(unflag_full_groups, rows.groupdq, rows.open_rows.any(axis=-1))
    np.testing.assert_array_equal(cleared, out.groupdq)


def test_without_a_method_only_redundant_flags_change(library, rng):
    exposure = ramps(rng)
    out = library.run(flag_jumps, *exposure, settings=replace(SPREADING, method=None))
    np.testing.assert_array_equal(out.groupdq, without_redundant(exposure[1]))
    assert out.primary is None


def test_pixels_without_gain_or_noise_have_no_jumps(library, rng):
    data, _, gain, readnoise = ramps(rng)
    data[:, 3:, :2] += 1000
    gain[0, 0], gain[0, 1], readnoise[0, 2] = np.nan, 0, np.nan
    data[:, :, 1, 0], readnoise[1, 0] = 5, 0
    out = library.run(flag_jumps, data, np.zeros(data.shape, np.uint8), gain, readnoise, settings=ALONE)
    for place in ((0, 0), (0, 1), (0, 2), (1, 0)):
        assert not out.groupdq[(..., *place)].any()
    assert out.groupdq[:, 3, 1, 1:].all()


def test_pixels_without_a_gain_are_not_used(library):
    gain = np.array([[1.5, 0.0, -1.0, np.nan, np.inf]], np.float32)
    pixeldq = np.array([[2, 2, 0, 0, 0]], np.uint32)
    out = library.run(flag_unknown_gain, pixeldq, gain)
    np.testing.assert_array_equal(out, [[2, (1 << 19) | 3, *[(1 << 19) | 1] * 3]])
    assert out.dtype == np.uint32


@pytest.mark.parametrize(
    "how", [{"block_pixels": 1}, {"block_pixels": 20}, {"block_pixels": 20, "workers": 4}], ids=str
)
def test_blocks_and_threads_change_nothing(rng, how):
    exposure = ramps(rng)
    whole = flag_jumps(*exposure, settings=SPREADING, block_pixels=1000)
    parts = flag_jumps(*exposure, settings=SPREADING, **how)
    np.testing.assert_array_equal(parts.groupdq, whole.groupdq)
    np.testing.assert_array_equal(parts.primary, whole.primary)


SEEDS = st.integers(0, 2**32 - 1)
METHODS = st.sampled_from(Method)


@settings(deadline=None, max_examples=30)
@given(SEEDS, METHODS)
def test_the_order_of_integrations_does_not_matter(seed, method):
    rng = np.random.default_rng(seed)
    data, groupdq, *planes = ramps(rng, (4, 5, 4, 5))
    order, how = rng.permutation(4), replace(SPREADING, method=method)
    straight = flag_jumps(data, groupdq, *planes, settings=how).groupdq
    np.testing.assert_array_equal(
        flag_jumps(data[order], groupdq[order], *planes, settings=how).groupdq, straight[order]
    )


@settings(deadline=None, max_examples=30)
@given(SEEDS, METHODS)
def test_a_pedestal_of_each_integration_does_not_matter(seed, method):
    """Whole numbers, so that nothing is rounded."""
    rng = np.random.default_rng(seed)
    data, groupdq, gain, readnoise = ramps(rng, (3, 5, 4, 5))
    data, gain = np.round(data), np.ones_like(gain)
    how = replace(SPREADING, method=method)
    moved = data + rng.integers(-1000, 1000, (3, 1, 4, 5)).astype(np.float32)
    np.testing.assert_array_equal(
        flag_jumps(moved, groupdq, gain, readnoise, settings=how).groupdq,
        flag_jumps(data, groupdq, gain, readnoise, settings=how).groupdq,
    )


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.sampled_from([Method.ITERATIVE, Method.SINGLE_PASS]))
def test_without_neighbours_a_pixel_depends_on_itself_alone(seed, method):
    rng = np.random.default_rng(seed)
    data, groupdq, gain, readnoise = ramps(rng, (2, 6, 5, 5))
    how = replace(ALONE, method=method)
    whole = flag_jumps(data, groupdq, gain, readnoise, settings=how).groupdq
    y, x = rng.integers(0, 5, 2)
    one = np.s_[..., y : y + 1, x : x + 1]
    alone = flag_jumps(data[one], groupdq[one], gain[one], readnoise[one], settings=how).groupdq
    np.testing.assert_array_equal(whole[one], alone)
