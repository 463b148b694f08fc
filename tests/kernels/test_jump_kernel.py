"""The kernel for jumps beside the portable function: the same flags and the same number of jumps, bit by bit."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.in_c import in_every_variant, kernel, unaligned
from hypothesis import given, settings
from hypothesis import strategies as st

from gpipe.jump import detection
from gpipe.jump.after_jump import AfterJump
from gpipe.jump.detection import JumpSettings
from gpipe.jump.iterative import Thresholds
from gpipe.jump.method import Method
from gpipe.jump.neighbours import Neighbours

pytestmark = in_every_variant
flag_jumps = kernel(detection.flag_jumps)

DO_NOT_USE, SATURATED, JUMP_DET = 1, 2, 4
ALONE = JumpSettings(method=Method.ITERATIVE, thresholds=Thresholds(four_or_more=4, three=5, two=6), frames=2)
SPREADING = replace(
    ALONE,
    neighbours=Neighbours(least=10, most=100),
    after=(AfterJump(dn=200, groups=1), AfterJump(dn=1000, groups=3)),
)


def ramps(rng, shape, *, hits=0.05, bad=0.03, whole=False):
    """Noise, hits of both signs, flags, NaN and infinities; pixels without gain or noise; whole numbers make ties."""
    gained = rng.normal(rng.choice([0.0, 60.0]), 8, shape)
    struck = rng.random(shape) < hits
    gained[struck] += rng.choice([-1, 1, 1, 1], struck.sum()) * rng.exponential(900, struck.sum())
    gained = np.round(gained, -1) if whole else gained
    data = np.cumsum(gained, axis=1).astype(np.float32)
    for odd in (np.nan, np.inf, -np.inf, 3e38):
        data[rng.random(shape) < bad / 10] = odd
    groupdq = np.where(rng.random(shape) < bad, rng.choice([DO_NOT_USE, SATURATED, JUMP_DET, 16, 0x87], shape), 0)
    full_at = rng.integers(1, 4 * shape[1], (shape[0], 1, *shape[2:]))
    groupdq[np.arange(shape[1]).reshape(1, -1, 1, 1) >= full_at] |= SATURATED
    gain = np.ones(shape[2:]) if whole else rng.uniform(1.5, 2, shape[2:])
    noise = np.full(shape[2:], 4.0) if whole else rng.uniform(4, 8, shape[2:])
    gain.flat[:: max(gain.size // 4, 1)] = rng.choice([np.nan, 0.0, -1.0, 1.0])
    noise.flat[1 :: max(noise.size // 3, 1)] = rng.choice([np.nan, 0.0])
    return data, groupdq.astype(np.uint8), gain.astype(np.float32), noise.astype(np.float32)


def assert_same(exposure, how, **options):
    with np.errstate(all="ignore"):
        expected = detection.flag_jumps(*exposure, settings=how)
        found = flag_jumps(*exposure, settings=how, **options)
    np.testing.assert_array_equal(found.groupdq, expected.groupdq)
    assert found.groupdq.dtype == np.uint8
    np.testing.assert_array_equal(found.primary, expected.primary)
    assert found.primary is None or found.primary.dtype == np.int64
    np.testing.assert_equal(found.open_rows, expected.open_rows)
    return found


SHAPES = [(1, 2, 6, 40), (1, 3, 9, 20), (1, 8, 7, 300), (2, 4, 5, 70), (1, 20, 1, 9), (12, 5, 6, 7), (3, 6, 1, 1)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("whole", [False, True], ids=["real", "whole numbers"])
@pytest.mark.parametrize("how", [ALONE, SPREADING], ids=["alone", "spreading"])
def test_every_method(rng, shape, method, whole, how):
    found = assert_same(ramps(rng, shape, whole=whole), replace(how, method=method))
    assert found.primary.sum() > 0 or min(shape[-2:]) == 1 or method is Method.SIGMA_CLIP


@pytest.mark.parametrize("hits", [0.0, 0.0005, 0.01])
@pytest.mark.parametrize("threshold", [0.0, 3.0, 4.0, 30.0])
@pytest.mark.parametrize("how", [ALONE, SPREADING, replace(SPREADING, after=(AfterJump(dn=10, groups=2),))], ids=str)
@pytest.mark.parametrize("whole", [False, True], ids=["real", "whole numbers"])
def test_pixels_without_a_jump_are_not_ranked_but_known(rng, hits, threshold, how, whole):
    """Few pixels with a jump among many without, of long ramps; thresholds below and above those of neighbours."""
    thresholds = Thresholds(four_or_more=threshold, three=9, two=9)
    exposure = ramps(rng, (5, 20, 4, 150), hits=hits, bad=hits, whole=whole)
    assert_same(exposure, replace(how, method=Method.SINGLE_PASS, thresholds=thresholds))


@pytest.mark.parametrize("only_use_ints", [True, False])
@pytest.mark.parametrize("threshold", [1.0, 3.0])
@pytest.mark.parametrize("bad", [0.0, 0.1])
def test_sigma_clipping(rng, only_use_ints, threshold, bad):
    thresholds = Thresholds(four_or_more=threshold, three=9, two=9)
    how = replace(SPREADING, method=Method.SIGMA_CLIP, only_use_ints=only_use_ints, thresholds=thresholds)
    found = assert_same(ramps(rng, (40, 4, 5, 6), bad=bad), how)
    assert found.primary.sum() > 0


@pytest.mark.parametrize("only_use_ints", [True, False])
@pytest.mark.parametrize("hits", [0.0, 0.0005, 0.01])
@pytest.mark.parametrize("threshold", [0.0, 2.5, 4.0, 30.0])
@pytest.mark.parametrize("whole", [False, True], ids=["real", "whole numbers"])
def test_sets_that_lose_nothing_are_not_ranked_but_known(rng, only_use_ints, hits, threshold, whole):
    """Few values to be cut among many, in more columns than are ranked at a time."""
    thresholds = Thresholds(four_or_more=threshold, three=9, two=9)
    how = replace(SPREADING, method=Method.SIGMA_CLIP, only_use_ints=only_use_ints, thresholds=thresholds)
    assert_same(ramps(rng, (60, 5, 3, 150), hits=hits, bad=hits, whole=whole), how)


def test_a_group_in_which_every_pixel_jumps_is_no_hit(rng):
    data, groupdq, gain, noise = ramps(rng, (20, 4, 3, 3), hits=0, bad=0)
    groupdq[:] = 0
    groupdq[4, 2, 0, 0] = DO_NOT_USE
    gain[:], noise[:] = 1.5, 5
    data[4, 2:] += 50000
    how = replace(SPREADING, method=Method.SIGMA_CLIP, neighbours=Neighbours(least=1, most=1e9))
    found = assert_same((data, groupdq, gain, noise), how)
    assert not np.any(found.groupdq[4, 2] & JUMP_DET)
    how = replace(how, after=())
    found = assert_same((data, groupdq, gain, noise), how)
    rows = assert_same((data, groupdq, gain, noise), replace(how, whole_images=False))
    assert np.any(rows.groupdq[4, 2] & JUMP_DET)
    assert_same((data, groupdq, gain, noise), replace(how, neighbours=None), workers=2)
    cleared = detection.unflag_full_groups(rows.groupdq, rows.open_rows.any(axis=-1))
    np.testing.assert_array_equal(cleared, found.groupdq)


@pytest.mark.parametrize("limits", [(0.0, 0.0, 0.0), (1.0, 1.2, 1.5), (2.0, 3.0, 1.0), (4.0, 5.0, 6.0)], ids=str)
@pytest.mark.parametrize("values", [[0, 90], [0, 0, 0, 100, 5000], [-100, 100], [7], [1, 1, 1, 30, 900, -900]])
@pytest.mark.parametrize("groups", [3, 4, 5, 7, 10])
def test_equal_differences(rng, limits, values, groups):
    shape = (1, groups, 20, 20)
    data = np.cumsum(rng.choice(values, shape), axis=1).astype(np.float32)
    groupdq = np.where(rng.random(shape) < 0.1, DO_NOT_USE, 0).astype(np.uint8)
    gain, noise = np.ones((20, 20), np.float32), rng.choice([0, 4, 8], (20, 20)).astype(np.float32)
    thresholds = Thresholds(four_or_more=limits[0], three=limits[1], two=limits[2])
    assert_same((data, groupdq, gain, noise), replace(SPREADING, thresholds=thresholds))


@pytest.mark.parametrize(
    "after", [((-50.0, 2),), ((0.0, 100), (300.0, 1)), ((30.0, 1),) * 7, ((30.0, 2),) * 8], ids=str
)
@pytest.mark.parametrize("neighbours", [None, Neighbours(least=0, most=1e9), Neighbours(least=3, most=15)], ids=str)
def test_spreading(rng, after, neighbours):
    how = replace(ALONE, neighbours=neighbours, after=tuple(AfterJump(dn=dn, groups=n) for dn, n in after))
    assert_same(ramps(rng, (2, 9, 8, 30), bad=0.1), how)


@pytest.mark.parametrize("options", [{"block_pixels": 1}, {"workers": 2}, {"workers": 5}, {"workers": 30}], ids=str)
@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("how", [ALONE, SPREADING], ids=["alone", "spreading"])
def test_blocks_and_threads_change_nothing(rng, options, method, how):
    assert_same(ramps(rng, (2, 6, 13, 9), hits=0.2), replace(how, method=method), **options)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("method", Method)
def test_more_rows_than_wait_for_those_below(rng, method, workers):
    how = replace(SPREADING, method=method, neighbours=Neighbours(least=3, most=1e9))
    assert_same(ramps(rng, (2, 6, 45, 700), hits=0.02), how, workers=workers)


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("method", Method)
def test_groups_after_a_jump_alone_read_no_other_row(rng, method, workers):
    """Without neighbours a row is spread at once: what lies where other rows will be searched says nothing."""
    how = replace(SPREADING, method=method, neighbours=None)
    for _ in range(3):  # threads take rows in any order
        assert_same(ramps(rng, (3, 6, 45, 700), hits=0.05), how, workers=workers)


@pytest.mark.parametrize("columns", [1, 15, 16, 31, 33, 97, 513, 1032])
@pytest.mark.parametrize("method", Method)
def test_any_width(rng, columns, method):
    assert_same(ramps(rng, (2, 5, 2, columns)), replace(SPREADING, method=method))


@pytest.mark.parametrize("shape", [(2, 100, 3, 40), (5, 71, 3, 37), (300, 3, 2, 70)], ids=str)
@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("only_use_ints", [True, False])
def test_many_differences(rng, shape, method, only_use_ints):
    """Fewer columns are judged together, so that they fit the cache."""
    how = replace(SPREADING, method=method, only_use_ints=only_use_ints)
    assert_same(ramps(rng, shape, hits=0.01), how)


@pytest.mark.parametrize("shape", [(1, 5, 0, 4), (1, 5, 3, 0), (0, 5, 2, 3), (2, 1, 2, 3)], ids=str)
@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_to_look_for(shape, method, workers):
    how = replace(ALONE, method=method, neighbours=Neighbours(least=10, most=100), whole_images=False)
    samples, flags = np.ones(shape, np.float32), np.full(shape, JUMP_DET, np.uint8)
    found = flag_jumps(samples, flags, *np.ones((2, *shape[2:]), np.float32), settings=how, workers=workers)
    np.testing.assert_array_equal(found.groupdq, flags, strict=True)
    np.testing.assert_array_equal(found.primary, np.full(shape[2], flags[:, :, 0].size if flags.size else 0))
    assert found.open_rows is None or found.open_rows.shape == shape[:3]


@pytest.mark.parametrize("groups", [3, 4, 5, 9])
@pytest.mark.parametrize("hits", [0.0, 0.2])
@pytest.mark.parametrize("method", Method)
def test_groups_that_no_pixel_can_use(rng, groups, hits, method):
    exposure = ramps(rng, (3, groups + 2, 4, 90), hits=hits)
    exposure[1][:, [0, -1]] |= DO_NOT_USE
    assert_same(exposure, replace(SPREADING, method=method))


@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("only_use_ints", [True, False])
@pytest.mark.parametrize("groups", [3, 4, 8])
@pytest.mark.parametrize("bad", [0.1, 0.5, 1.0])
def test_what_is_no_number_or_infinite_may_be_anywhere(rng, method, only_use_ints, groups, bad):
    exposure = ramps(rng, (3, groups, 5, 67))
    odd = np.asarray([np.nan, np.inf, -np.inf, 0.0, -0.0, 3.4e38, -3.4e38, 1e30, 1e-45], np.float32)
    for x, share in zip(exposure, (bad, 0, bad / 2, bad / 2), strict=True):
        where = rng.random(x.shape) < share
        x[where] = rng.choice(odd, where.sum()).astype(x.dtype)
    assert_same(exposure, replace(SPREADING, method=method, only_use_ints=only_use_ints))


@pytest.mark.parametrize("method", Method)
def test_flags_that_samples_come_with(rng, method):
    """A jump that is known already flags neighbours and following groups as far as its size tells."""
    exposure = ramps(rng, (2, 9, 6, 80), hits=0.1)
    exposure[1][...] = rng.integers(0, 256, exposure[1].shape) & rng.choice([0xFF, JUMP_DET, 0], exposure[1].shape)
    for how in (ALONE, SPREADING, replace(SPREADING, neighbours=None), replace(SPREADING, after=())):
        assert_same(exposure, replace(how, method=method))


def test_read_only_and_strided_arguments_are_taken_and_not_written_to(rng):
    exposure = ramps(rng, (2, 6, 16, 20))
    before = [x.copy() for x in exposure]
    for x in exposure:
        x.flags.writeable = False
    assert_same(exposure, SPREADING)
    assert_same([x[..., ::2, 1::3] for x in exposure], SPREADING)
    for x, y in zip(exposure, before, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("method", Method)
def test_rows_and_groups_of_a_larger_exposure(rng, method):
    data, groupdq, gain, noise = ramps(rng, (3, 9, 16, 40))
    cut = data[:2, 1:7, 3:11], groupdq[1:, 2:8, 5:13], gain[3:11], noise[5:13]
    assert_same(cut, replace(SPREADING, method=method))


@pytest.mark.parametrize("method", Method)
def test_unaligned_arguments(rng, method):
    exposure = ramps(rng, (3, 9, 6, 40))
    assert_same([unaligned(x) for x in exposure], replace(SPREADING, method=method))


@pytest.mark.parametrize("which", [0, 2, 3])
def test_other_types_are_left_to_the_portable_function(rng, which):
    exposure = list(ramps(rng, (2, 6, 4, 5)))
    exposure[which] = exposure[which].astype(np.float64)
    assert_same(exposure, SPREADING)


def test_without_a_method_only_redundant_flags_change(rng):
    exposure = ramps(rng, (2, 5, 8, 9))
    found = flag_jumps(*exposure, settings=replace(SPREADING, method=None))
    redundant = (exposure[1] & (DO_NOT_USE | SATURATED)) != 0
    np.testing.assert_array_equal(found.groupdq, np.where(redundant, exposure[1] & ~np.uint8(JUMP_DET), exposure[1]))
    assert found.primary is None


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(Method),
    st.tuples(st.integers(1, 4), st.integers(2, 9), st.integers(1, 5), st.integers(1, 40)),
    st.booleans(),
    st.sampled_from([0.0, 1.0, 2.5, 4.0]),
)
def test_any_ramp(seed, method, shape, whole, threshold):
    rng = np.random.default_rng(seed)
    thresholds = Thresholds(four_or_more=threshold, three=threshold + 1, two=threshold + 2)
    how = replace(SPREADING, method=method, thresholds=thresholds, only_use_ints=bool(seed % 2))
    assert_same(ramps(rng, shape, hits=0.2, bad=0.1, whole=whole), how)
