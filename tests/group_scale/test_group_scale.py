import numpy as np
import pytest

from gpipe.group_scale.group_scale import divisor_is_right, rescale_groups


def test_groups_become_means_of_their_frames(library, rng):
    frames = rng.uniform(0, 5000, (2, 3, 5, 4, 6)).astype(np.float32)  # five frames in a group
    on_board = (frames.sum(axis=2) / 4).astype(np.float32)
    scaled = library.run(rescale_groups, on_board, nframes=5, frame_divisor=4)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, frames.mean(axis=2), rtol=1e-6)


def test_nan_stays_nan(library):
    data = np.full((1, 1, 2, 2), np.nan, dtype=np.float32)
    assert np.isnan(library.run(rescale_groups, data, nframes=3, frame_divisor=4)).all()


@pytest.mark.parametrize(
    ("nframes", "divisor", "right"),
    [(1, None, True), (8, None, True), (5, None, False), (5, 4, False), (4, 8, False), (5, 5, True), (4, 4, True)],
)
def test_which_divisors_are_right(nframes, divisor, right):
    assert divisor_is_right(nframes, divisor) is right
