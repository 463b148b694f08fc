"""The CUDA kernels for linearity and dark beside the portable functions: flags equal, values to float32 rounding."""

from dataclasses import fields

import numpy as np
import pytest

from gpipe.dark_current import dark_sub
from gpipe.kernels.cuda.dark import subtract_darks
from gpipe.kernels.cuda.linearity import correct_linearity
from gpipe.linearity import linearity

ROUNDING = 3e-7  # of a value: sums of frames are taken in one order, means of NumPy may be in another
NO_LIN_CORR = 1 << 20


def exposure(rng, shape, powers=5):
    plane = shape[2:]
    data = np.cumsum(rng.uniform(100, 9000, shape), axis=1)
    data[rng.random(shape) < 0.02] = np.nan
    groupdq = np.where(rng.random(shape) < 0.1, rng.choice([1, 2, 4], shape), 0)
    groupdq |= np.where(np.arange(shape[1])[:, None, None] >= rng.integers(0, 2 * shape[1], plane), 2, 0)
    coeffs = np.stack([rng.normal(0, 10.0 ** (-5 * k), plane) + (k == 1) for k in range(powers)])
    coeffs[1, 0, 0], coeffs[-1, 0, -1] = 0, np.nan
    coeffs_dq = np.where(rng.random(plane) < 0.1, NO_LIN_CORR, 0) | rng.integers(0, 2, plane)
    pixeldq = rng.integers(0, 8, plane)
    floats = (data.astype(np.float32), groupdq.astype(np.uint8), pixeldq.astype(np.uint32))
    return *floats, coeffs.astype(np.float32), coeffs_dq.astype(np.uint32)


def assert_same(cuda, arrays, **options):
    expected = linearity.correct_linearity(*arrays, **options)
    found = cuda(correct_linearity, *arrays, **options)
    for field in fields(expected):
        ours, theirs = getattr(found, field.name), getattr(expected, field.name)
        assert (ours is None) == (theirs is None)
        if theirs is not None:
            assert ours.dtype == theirs.dtype
            np.testing.assert_allclose(ours, theirs, rtol=ROUNDING, atol=0, err_msg=field.name)


@pytest.mark.parametrize("shape", [(1, 1, 3, 4), (1, 2, 4, 5), (3, 7, 5, 6), (2, 3, 1, 7)], ids=str)
@pytest.mark.parametrize("powers", [2, 5])
def test_samples_of_one_frame(cuda, rng, shape, powers):
    arrays = exposure(rng, shape, powers)
    zeroframe = np.where(rng.random((shape[0], *shape[2:])) < 0.3, 0, 1000).astype(np.float32)
    assert_same(cuda, arrays)
    assert_same(cuda, arrays, zeroframe=zeroframe)


@pytest.mark.parametrize("shape", [(1, 1, 3, 4), (1, 2, 4, 5), (2, 3, 4, 5), (3, 7, 5, 6)], ids=str)
@pytest.mark.parametrize("nframes", [1, 2, 5, 8])
def test_groups_of_several_frames(cuda, rng, shape, nframes):
    arrays = exposure(rng, shape)
    inverse = exposure(rng, shape, 4)[3]
    assert_same(cuda, arrays, inverse=inverse, nframes=nframes)


def test_strided_arguments_are_taken_and_not_written_to(cuda, rng):
    arrays = exposure(rng, (2, 4, 8, 12))
    before = [x.copy() for x in arrays]
    for x in arrays:
        x.flags.writeable = False
    assert_same(cuda, [x[..., ::2, 1::3] for x in arrays])
    for x, y in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("shape", [(1, 1, 3, 4), (3, 5, 4, 6)], ids=str)
def test_dark(cuda, rng, shape):
    data = rng.normal(100, 10, shape).astype(np.float32)
    data[..., 0, 0] = np.nan
    darks = [rng.normal(1, 0.1, shape[1:]).astype(np.float32) for _ in range(shape[0])]
    flags = [rng.integers(0, 8, shape[2:]).astype(np.uint32) for _ in range(2)]
    before = data.copy()
    expected = dark_sub.subtract_darks(data, flags[0], darks, flags[1])
    found = cuda(subtract_darks, data, flags[0], darks, flags[1])
    for ours, theirs in ((found.data, expected.data), (found.pixeldq, expected.pixeldq), (data, before)):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype


def test_a_dark_of_other_length_is_refused(cuda):
    data, dark = np.zeros((1, 3, 2, 2), np.float32), np.zeros((2, 2, 2), np.float32)
    flags = np.zeros((2, 2), np.uint32)
    with pytest.raises(ValueError, match=r"found darks of \[2\] groups for data of \[3\]"):
        cuda(subtract_darks, data, flags, [dark], flags)
