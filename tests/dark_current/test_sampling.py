import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpipe.dark_current.sampling import Sampling

SINGLE_FRAMES = Sampling(1, 0)


@pytest.mark.parametrize("sampling", [Sampling(1, 0), Sampling(4, 0), Sampling(8, 12)])
def test_dark_of_the_same_sampling_is_used_group_by_group(sampling):
    assert [list(groups) for groups in sampling.dark_groups(sampling, 3)] == [[0], [1], [2]]


def test_frames_in_the_gap_are_left_out():
    groups = Sampling(nframes=2, groupgap=3).dark_groups(SINGLE_FRAMES, 3)
    assert [list(g) for g in groups] == [[0, 1], [5, 6], [10, 11]]


@pytest.mark.parametrize(
    ("exposure", "dark"),
    [
        (Sampling(1, 0), Sampling(2, 0)),
        (Sampling(4, 0), Sampling(1, 1)),
        (Sampling(4, 1), Sampling(2, 0)),
        (Sampling(4, 1), Sampling(4, 0)),
    ],
)
def test_dark_of_another_sampling_cannot_be_used(exposure, dark):
    assert exposure.dark_groups(dark, 5) is None


@given(st.integers(1, 16), st.integers(0, 20), st.integers(1, 20))
def test_frames_are_counted_as_the_detector_reads_them(nframes, groupgap, ngroups):
    """Walk through the frames of an integration, one by one."""
    groups, frame = [], 0
    for group in range(ngroups):
        groups.append(list(range(frame, frame + nframes)))
        frame += nframes + (groupgap if group < ngroups - 1 else 0)
    assert [list(g) for g in Sampling(nframes, groupgap).dark_groups(SINGLE_FRAMES, ngroups)] == groups
    assert frame == ngroups * nframes + (ngroups - 1) * groupgap
