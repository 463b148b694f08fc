"""Times of reads and the moments that follow from them, against sums over reads."""

import numpy as np
import pytest
from helpers.likely_oracle import covariance
from helpers.likely_regimes import UNEVEN

from gpipe.ramp_fitting.reads import Reads, apart_from_first, even_times
from gpipe.ramp_fitting.timing import Timing


def test_times_of_an_even_pattern():
    timing = Timing(frame_time=2.0, group_time=8.0, frames=3, gap=1)
    assert even_times(timing, 2) == ((2.0, 4.0, 6.0), (10.0, 12.0, 14.0))


def test_first_read_apart():
    assert apart_from_first(((1.0, 2.0, 3.0), (5.0,))) == ((1.0,), (2.0, 3.0), (5.0,))


@pytest.mark.parametrize(
    "times", [UNEVEN, ((1.0,), (2.0,), (3.0,)), even_times(Timing(frame_time=3.0, group_time=1, frames=8, gap=2), 5)]
)
def test_variances_are_those_of_the_reads(times):
    reads = Reads.at(times)
    expected = covariance(times, 1.0, 0.0)
    np.testing.assert_allclose(reads.photon_variances, np.diag(expected), rtol=1e-12)
    np.testing.assert_allclose(reads.photon_covariances, np.diag(expected, 1), atol=1e-12)
    np.testing.assert_allclose(reads.intervals, np.diff([np.mean(t) for t in times]))
    assert reads.count == tuple(len(t) for t in times)


def test_single_reads_share_no_photons_exactly():
    assert Reads.at(((0.1,), (0.3,), (0.7,), (1.1,))).photon_covariances == [0.0, 0.0]
