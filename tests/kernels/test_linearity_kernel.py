"""The kernel of linearity beside the portable function, whose numbers it repeats bit by bit."""

import numpy as np
import pytest
from helpers.in_c import in_every_variant, kernel, unaligned
from hypothesis import given, settings
from hypothesis import strategies as st

from gpipe import dq
from gpipe.arrays.blocks import map_row_blocks
from gpipe.linearity import linearity

pytestmark = in_every_variant
correct_linearity = kernel(linearity.correct_linearity)


def scene(seed, shape, powers=6, inverse_powers=4):
    """Arguments by name: rising ramps with NaN, saturation, pixels of every kind, a zero frame with holes."""
    rng = np.random.default_rng(seed)
    integrations, groups, *plane = shape
    data = np.cumsum(rng.uniform(0, 60000 / groups, shape), axis=1).astype(np.float32)
    data[rng.random(shape) < 0.02] = np.nan
    first = rng.integers(0, 2 * groups + 1, (integrations, 1, *plane))
    groupdq = np.where(np.arange(groups)[:, None, None] >= first, dq.SATURATED, 0) | rng.choice([0, dq.JUMP_DET], shape)

    def polynomial(length):
        scale = np.array([5, 0.02, *10.0 ** (4 - 5 * np.arange(2, 14))])[:length]
        coeffs = rng.normal(size=(length, *plane)) * scale[:, None, None]
        coeffs[1] += 1
        coeffs[rng.random(coeffs.shape) < 0.02] = np.nan
        coeffs[1][rng.random(plane) < 0.05] = 0
        return coeffs.astype(np.float32)

    return {
        "data": data,
        "groupdq": groupdq.astype(np.uint8),
        "pixeldq": rng.integers(0, 1 << 20, plane).astype(np.uint32),
        "coeffs": polynomial(powers),
        "coeffs_dq": rng.choice([0, 0, 0, dq.NO_LIN_CORR, dq.NONLINEAR], plane).astype(np.uint32),
        "inverse": polynomial(inverse_powers),
        "zeroframe": np.where(rng.random((integrations, *plane)) < 0.3, 0, data[:, 0]).astype(np.float32),
    }


def assert_same(exposure, **options):
    with np.errstate(all="ignore"):
        expected = linearity.correct_linearity(**exposure, **options)
    found = correct_linearity(**exposure, **options)
    for name in ("data", "pixeldq", "zeroframe"):
        ours, theirs = getattr(found, name), getattr(expected, name)
        np.testing.assert_array_equal(ours, theirs, err_msg=name)
        assert ours is None or ours.dtype == theirs.dtype
    return found


SHAPES = [(1, 1, 3, 5), (2, 2, 4, 7), (1, 3, 2, 9), (3, 6, 2, 40), (1, 4, 2, 1100), (2, 5, 1, 1), (1, 9, 3, 683)]
EMPTY = [(0, 5, 2, 3), (2, 0, 2, 3), (2, 5, 0, 3), (2, 5, 3, 0)]
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0, -0.0, 3e38, -3e38, 1e-45], np.float32)


@pytest.mark.parametrize("nframes", [1, 2, 5])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_group_by_group_and_frame_by_frame(shape, nframes):
    exposure = scene(sum(shape), shape)
    assert_same(exposure, nframes=nframes)
    assert_same(exposure | {"inverse": None}, nframes=nframes)
    assert_same(exposure | {"zeroframe": None}, nframes=nframes)


@pytest.mark.parametrize("powers", range(2, 14))
def test_polynomials_of_every_length(powers):
    exposure = scene(powers, (2, 4, 3, 50), powers=powers, inverse_powers=15 - powers)
    found = assert_same(exposure, nframes=4)
    assert not np.array_equal(found.data, exposure["data"])


def test_read_only_and_strided_arguments_are_taken_and_not_written_to():
    exposure = scene(1, (2, 4, 8, 30))
    before = {name: x.copy() for name, x in exposure.items()}
    for x in exposure.values():
        x.flags.writeable = False
    assert_same(exposure, nframes=4)
    assert_same({name: x[..., ::2, 1::3] for name, x in exposure.items()}, nframes=4)
    for name, x in exposure.items():
        np.testing.assert_array_equal(x, before[name])


def test_a_polynomial_needs_two_coefficients():
    exposure = scene(1, (1, 2, 2, 3))
    exposure["coeffs"] = exposure["coeffs"][:1]
    with pytest.raises(ValueError, match="at least 2 coefficients, found 1"):
        correct_linearity(**exposure)


@pytest.mark.parametrize("shape", EMPTY, ids=str)
@pytest.mark.parametrize("nframes", [1, 4])
def test_nothing_to_correct(shape, nframes):
    """The portable function refuses some of these shapes; pixels get their flags all the same."""
    exposure = scene(3, (2, 5, 3, 4))
    integrations, groups, rows, columns = shape
    exposure = {name: x[..., :rows, :columns] for name, x in exposure.items()}
    for name in ("data", "groupdq"):
        exposure[name] = exposure[name][:integrations, :groups]
    found = correct_linearity(**exposure, nframes=nframes)
    assert (found.data.shape, found.data.dtype) == (shape, np.float32)
    expected = scene(3, (2, 5, 3, 4))
    with np.errstate(all="ignore"):
        expected = linearity.correct_linearity(**expected, nframes=nframes if groups else 1)
    np.testing.assert_array_equal(found.zeroframe, expected.zeroframe[:, :rows, :columns], strict=True)
    np.testing.assert_array_equal(found.pixeldq, expected.pixeldq[:rows, :columns], strict=True)


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 4), st.integers(2, 90)),
    powers=st.tuples(st.integers(2, 8), st.integers(2, 8)),
    nframes=st.integers(1, 9),
    share=st.sampled_from([0.02, 0.5]),
    seed=st.integers(0, 1 << 32),
)
def test_nan_and_infinity_anywhere(shape, powers, nframes, share, seed):
    """Of more than one pixel: NumPy adds eight frames or more of a single one in another order."""
    exposure = scene(seed, shape, *powers)
    rng = np.random.default_rng(seed)
    for name in ("data", "coeffs", "inverse", "zeroframe"):
        there = rng.random(exposure[name].shape) < share
        exposure[name][there] = rng.choice(SPECIAL, np.count_nonzero(there))
    exposure["groupdq"] = rng.integers(0, 256, shape, np.uint8)
    exposure["coeffs_dq"] = rng.integers(0, 1 << 32, shape[2:], np.uint32)
    assert_same(exposure, nframes=nframes)


def test_unaligned_arguments():
    exposure = scene(2, (2, 4, 3, 37))
    assert_same({name: unaligned(x) for name, x in exposure.items()}, nframes=4)


@pytest.mark.parametrize("nframes", [1, 4])
def test_several_workers(nframes):
    exposure = scene(4, (3, 5, 40, 70))

    def correct(*arrays):
        found = correct_linearity(**dict(zip(exposure, arrays, strict=True)), nframes=nframes)
        return found.data, found.pixeldq, found.zeroframe

    whole = correct(*exposure.values())
    parts = map_row_blocks(correct, *exposure.values(), block_rows=3, workers=4)
    for ours, theirs in zip(parts, whole, strict=True):
        np.testing.assert_array_equal(ours.view(np.uint32), theirs.view(np.uint32))


@pytest.mark.parametrize(("name", "dtype"), [("data", np.float64), ("groupdq", np.uint32), ("coeffs", ">f4")])
def test_other_types_go_to_the_portable_function(name, dtype):
    exposure = scene(5, (2, 4, 3, 20))
    assert_same(exposure | {name: exposure[name].astype(dtype)}, nframes=4)


def test_other_shapes_are_refused():
    exposure = scene(5, (2, 4, 3, 20))
    with pytest.raises(ValueError, match="linearity_correct: argument groupdq: found 3 groups"):
        correct_linearity(**exposure | {"groupdq": exposure["groupdq"][:, 1:]})


@pytest.mark.parametrize("nframes", [8, 9])
def test_a_single_pixel_of_many_frames_within_rounding(nframes):
    exposure = scene(7, (1, 6, 1, 1))
    exposure["groupdq"][:] = 0
    expected = linearity.correct_linearity(**exposure, nframes=nframes)
    found = correct_linearity(**exposure, nframes=nframes)
    np.testing.assert_allclose(found.data, expected.data, rtol=1e-6)
    assert not np.array_equal(found.data, exposure["data"])
