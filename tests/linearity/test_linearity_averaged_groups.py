import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpipe import dq
from gpipe.linearity.averaged_groups import correct_frames
from gpipe.linearity.linearity import correct_linearity


def quadratic(shape, bend):
    """Coefficients of S + bend S^2, and of its inverse to third order."""
    forward = np.zeros((4, *shape))
    forward[1], forward[2] = 1, bend
    backward = np.zeros((4, *shape))
    backward[1], backward[2], backward[3] = 1, -bend, 2 * bend**2
    return forward.astype(np.float32), backward.astype(np.float32)


def slow(data, groupdq, coeffs, inverse, nframes):
    """One pixel at a time, in Python's double precision."""
    out = data.astype(float)
    _, ngroups, rows, columns = data.shape

    def polynomial(c, x):
        return sum(float(c[k]) * x**k for k in range(len(c)))

    for i, y, x in np.ndindex(data.shape[0], rows, columns):
        counts, full = data[i, :, y, x].astype(float), (groupdq[i, :, y, x] & dq.SATURATED) != 0
        p, q = coeffs[:, y, x], inverse[:, y, x]
        last = max(int((~full).sum()) - 2, 1)
        ends = [counts[g] if full[g] else polynomial(p, counts[g]) for g in (0, last)]
        rate = (ends[1] - ends[0]) / (last * nframes)
        for g in range(ngroups):
            times = [g * nframes + f - (nframes - 1) / 2 for f in range(nframes)]
            frames = [polynomial(q, ends[0] + rate * t) for t in times]
            shift = counts[g] - np.mean(frames)
            if not full[g]:
                out[i, g, y, x] = np.mean([polynomial(p, frame + shift) for frame in frames])
    return out


@pytest.mark.parametrize("groups", [2, 3, 6])
@pytest.mark.parametrize("nframes", [2, 5])
def test_against_a_loop(library, rng, groups, nframes):
    data = np.cumsum(rng.uniform(0, 9000, (2, groups, 3, 4)), axis=1).astype(np.float32)
    first = rng.integers(0, groups + 1, (2, 1, 3, 4))
    groupdq = np.where(np.arange(groups)[:, None, None] >= first, dq.SATURATED, 0).astype(np.uint8)
    coeffs, inverse = quadratic((3, 4), 2e-6)
    zero = np.zeros((3, 4), dtype=np.uint32)
    out = library.run(correct_linearity, data, groupdq, zero, coeffs, zero, inverse=inverse, nframes=nframes).data
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, slow(data, groupdq, coeffs, inverse, nframes), rtol=2e-6)


def test_it_undoes_what_averaging_does_to_a_bent_ramp(library):
    shape, nframes, groups = (2, 3), 8, 6
    coeffs, inverse = quadratic(shape, 2e-6)
    linear = 100 + 800.0 * np.arange(groups * nframes)  # linear counts in every frame
    measured = (np.sqrt(1 + 4 * 2e-6 * linear) - 1) / (2 * 2e-6)
    grouped = measured.reshape(groups, nframes).mean(axis=1)
    truth = linear.reshape(groups, nframes).mean(axis=1)
    data = np.broadcast_to(grouped[None, :, None, None], (1, groups, *shape)).astype(np.float32)
    groupdq, zero = np.zeros(data.shape, np.uint8), np.zeros(shape, np.uint32)
    by_frame = library.run(correct_linearity, data, groupdq, zero, coeffs, zero, inverse=inverse, nframes=nframes)
    by_group = library.run(correct_linearity, data, groupdq, zero, coeffs, zero)
    error_by_frame = np.abs(by_frame.data[0, :, 0, 0] - truth)
    error_by_group = np.abs(by_group.data[0, :, 0, 0] - truth)
    assert error_by_group.max() > 5
    assert error_by_frame.max() < 0.1


def test_a_bad_inverse_is_flagged_and_still_corrected(library, rng):
    data = np.cumsum(rng.uniform(0, 9000, (1, 4, 2, 2)), axis=1).astype(np.float32)
    groupdq, zero = np.zeros(data.shape, np.uint8), np.zeros((2, 2), np.uint32)
    coeffs, inverse = quadratic((2, 2), 2e-6)
    inverse[2, 0, 1] = np.nan
    out = library.run(correct_linearity, data, groupdq, zero, coeffs, zero, inverse=inverse, nframes=4)
    np.testing.assert_array_equal(out.pixeldq, [[0, dq.NO_LIN_CORR], [0, 0]])
    assert np.isfinite(out.data).all()
    assert (out.data[..., 0, 1] > data[..., 0, 1]).all()


@pytest.mark.parametrize(("groups", "nframes"), [(1, 4), (3, 1)])
def test_without_a_rate_or_an_average_the_group_itself_is_corrected(library, rng, groups, nframes):
    data = np.cumsum(rng.uniform(0, 9000, (1, groups, 2, 2)), axis=1).astype(np.float32)
    groupdq, zero = np.zeros(data.shape, np.uint8), np.zeros((2, 2), np.uint32)
    coeffs, inverse = quadratic((2, 2), 2e-6)
    out = library.run(correct_linearity, data, groupdq, zero, coeffs, zero, inverse=inverse, nframes=nframes)
    plain = library.run(correct_linearity, data, groupdq, zero, coeffs, zero)
    np.testing.assert_array_equal(out.data, plain.data)


@given(st.integers(0, 2**32 - 1), st.integers(2, 8))
def test_a_linear_detector_is_left_alone(seed, nframes):
    rng = np.random.default_rng(seed)
    data = np.cumsum(rng.uniform(0, 9000, (4, 2, 2)), axis=0).astype(np.float32)
    coeffs, inverse = quadratic((2, 2), 0)
    out = correct_frames(data, rng.random(data.shape) < 0.3, coeffs, inverse, nframes=nframes)
    np.testing.assert_allclose(out, data, rtol=1e-6, atol=1e-2)
