"""The numba kernel beside the portable function, whose numbers it repeats bit by bit."""

import numpy as np
import pytest

from gpipe import dq
from gpipe.backends import native
from gpipe.linearity import linearity

pytest.importorskip("numba")
correct_linearity = native.find(linearity.correct_linearity, native.CPU)


def scene(seed, shape, powers=6, inverse_powers=4):
    """Arguments by name: rising ramps with NaN, saturation, pixels of every kind, a zero frame with holes."""
    rng = np.random.default_rng(seed)
    integrations, groups, *plane = shape
    data = np.cumsum(rng.uniform(0, 60000 / groups, shape), axis=1).astype(np.float32)
    data[rng.random(shape) < 0.02] = np.nan
    first = rng.integers(0, 2 * groups + 1, (integrations, 1, *plane))
    groupdq = np.where(np.arange(groups)[:, None, None] >= first, dq.SATURATED, 0) | rng.choice([0, dq.JUMP_DET], shape)

    def polynomial(length):
        scale = np.array([5, 0.02, 1e-6, 1e-11, 1e-16, 1e-21, 1e-26])[:length]
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


SHAPES = [(1, 1, 3, 5), (2, 2, 4, 7), (1, 3, 2, 9), (3, 6, 2, 40), (1, 4, 2, 1100), (2, 5, 1, 1)]


@pytest.mark.parametrize("nframes", [1, 2, 5])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_group_by_group_and_frame_by_frame(shape, nframes):
    exposure = scene(sum(shape), shape)
    assert_same(exposure, nframes=nframes)
    assert_same(exposure | {"inverse": None}, nframes=nframes)
    assert_same(exposure | {"zeroframe": None}, nframes=nframes)


@pytest.mark.parametrize("powers", [2, 3, 4, 5, 6, 7])
def test_polynomials_of_every_length(powers):
    exposure = scene(powers, (2, 4, 3, 50), powers=powers, inverse_powers=9 - powers)
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
