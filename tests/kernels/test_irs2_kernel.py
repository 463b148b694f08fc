"""The numba kernels of IRS2 readout beside the portable functions, whose numbers they repeat bit by bit."""

import numpy as np
import pytest

from gpipe.backends import native
from gpipe.refpix.irs2 import samples
from gpipe.refpix.orientation import Orientation

pytest.importorskip("numba")
samples_in_time = native.find(samples.samples_in_time, native.CPU)
normal_counts = native.find(samples.normal_counts, native.CPU)
rise_to_mean = native.find(samples.rise_to_mean, native.CPU)

ORIENTATIONS = [Orientation(2, 1), Orientation(-2, 1), Orientation(2, -1), Orientation(-2, -1), Orientation(1, 2)]
ROWS = 80


def scene(rng, columns=130):
    first = rng.normal(5000, 300, (ROWS, columns)).astype(np.float32)
    counts = (first + rng.normal(50, 20, first.shape)).astype(np.float32)
    rise = rng.normal(50, 20, first.shape)
    counts[rng.random(first.shape) < 0.05] = np.nan
    rise[rng.random(first.shape) < 0.05] = np.nan
    return counts, first, rise


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
@pytest.mark.parametrize("output", [0, 1])
def test_samples_and_back(rng, orientation, output):
    counts, first, rise = scene(rng)
    which = {"output": output, "orientation": orientation}
    found = samples_in_time(counts, first, rise, **which)
    np.testing.assert_array_equal(found, samples.samples_in_time(counts, first, rise, **which))
    back = normal_counts(found, first, rise, **which)
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, samples.normal_counts(found, first, rise, **which))


@pytest.mark.parametrize("bad_share", [0, 0.2, 0.6, 1])
@pytest.mark.parametrize("with_named", [True, False])
def test_bad_reads_are_replaced(rng, bad_share, with_named):
    counts, first, rise = scene(rng)
    bad = rng.random((ROWS // 20, 4)) < bad_share
    named = rng.random(bad.shape) < 0.4 if with_named else None
    more = {"output": 2, "orientation": Orientation(2, 1), "bad": bad, "named": named}
    expected = samples.samples_in_time(counts, first, rise, **more)
    np.testing.assert_array_equal(samples_in_time(counts, first, rise, **more), expected)


def test_read_only_and_strided(rng):
    counts, first, rise = (x[:, ::2] for x in scene(rng))
    which = {"output": 0, "orientation": ORIENTATIONS[0]}
    for x in (counts, first, rise):
        x.flags.writeable = False
    found = samples_in_time(counts, first, rise, **which)
    np.testing.assert_array_equal(found, samples.samples_in_time(counts, first, rise, **which))


@pytest.mark.parametrize("groups", [1, 2, 7])
@pytest.mark.parametrize("workers", [1, 3])
def test_means_over_groups(rng, groups, workers):
    data = rng.normal(5000, 300, (groups, ROWS, 13)).astype(np.float32)
    data[rng.random(data.shape) < 0.05] = np.nan
    data.flags.writeable = False
    found = rise_to_mean(data, workers=workers)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, samples.rise_to_mean(data))


def test_means_of_cut_groups_with_levels(rng):
    data = rng.normal(5000, 300, (4, ROWS, 26)).astype(np.float32)[..., ::2]
    levels = rng.normal(0, 5, (4, ROWS, 1)).astype(np.float32)
    np.testing.assert_array_equal(rise_to_mean(data), samples.rise_to_mean(data))
    np.testing.assert_array_equal(rise_to_mean(data, levels), samples.rise_to_mean(data, levels))
