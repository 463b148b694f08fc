import numpy as np
import pytest
from helpers.stub_exposures import ramp, references
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gpipe import dq
from gpipe.controller import Skip
from gpipe.firstframe import FirstFrameStep
from gpipe.firstframe.firstframe import flag_first_group

FLAGS = np.array([0, 0, 0, dq.DO_NOT_USE, dq.SATURATED, dq.SATURATED | dq.DO_NOT_USE], np.uint8)


def slow(groupdq, pixeldq, bright_use_group1):
    """Pixel by pixel."""
    flags, pixels, kept = groupdq.copy(), pixeldq.copy(), set()
    for i, _, y, x in np.ndindex(flags.shape[0], 1, *flags.shape[2:]):
        if bright_use_group1 and groupdq[i, 2, y, x] & dq.SATURATED:
            pixels[y, x] |= dq.FLUX_ESTIMATED
            if not pixels[y, x] & dq.DO_NOT_USE:
                kept.add((y, x))
        else:
            flags[i, 0, y, x] |= dq.DO_NOT_USE
    return flags, pixels, [sum(y == row for y, _ in kept) for row in range(flags.shape[2])]


@pytest.mark.parametrize("bright_use_group1", [True, False])
@pytest.mark.parametrize("shape", [(2, 5, 3, 4), (1, 4, 6, 1)])
def test_against_a_loop(library, rng, shape, bright_use_group1):
    groupdq = rng.choice(FLAGS, shape)
    pixeldq = rng.integers(0, 8, shape[2:]).astype(np.uint32)
    out = library.run(flag_first_group, groupdq, pixeldq, bright_use_group1=bright_use_group1)
    flags, pixels, kept = slow(groupdq, pixeldq, bright_use_group1)
    assert (out.groupdq.dtype, out.pixeldq.dtype) == (np.uint8, np.uint32)
    np.testing.assert_array_equal(out.groupdq, flags)
    np.testing.assert_array_equal(out.pixeldq, pixels)
    assert out.kept_pixels.tolist() == kept
    assert any(kept) == bright_use_group1


@given(hnp.arrays(np.uint8, (3, 4, 2, 3), elements=st.sampled_from(FLAGS.tolist())), st.permutations(range(3)))
def test_integrations_do_not_know_of_each_other(groupdq, order):
    none = np.zeros((2, 3), np.uint32)
    out = flag_first_group(groupdq, none, bright_use_group1=True)
    moved = flag_first_group(groupdq[np.array(order)], none, bright_use_group1=True)
    np.testing.assert_array_equal(moved.groupdq, out.groupdq[np.array(order)])
    np.testing.assert_array_equal(moved.pixeldq, out.pixeldq)


def bright(groups=4, instrument="MIRI"):
    """One pixel, at (1, 2), that is saturated in all groups after the second."""
    flags = np.zeros((2, groups, 4, 5), np.uint8)
    flags[:, 2:, 1, 2] = dq.SATURATED
    return ramp(np.zeros(flags.shape, np.float32), groupdq=flags, instrument=instrument)


@pytest.mark.parametrize(("parameters", "kept"), [({}, 1), ({"bright_use_group1": False}, 0)])
def test_bright_use_group1(parameters, kept):
    work = FirstFrameStep(**parameters).begin(bright(), references(), {})
    produced = work.apply(bright())
    (out,), counts = produced.results, {name: rows.sum() for name, rows in produced.counts.items()}
    assert np.count_nonzero(out.groupdq[:, 0] & dq.DO_NOT_USE) == 2 * (20 - kept)
    assert not (out.groupdq[:, 1:] & dq.DO_NOT_USE).any()
    assert out.pixeldq[1, 2] == kept * dq.FLUX_ESTIMATED
    assert work.end(counts) == {"pixels that keep their first group": kept}


def test_skipped_unless_wanted_and_then_it_says_that_it_is_deprecated(caplog):
    assert FirstFrameStep().skip
    FirstFrameStep(skip=False).apply(bright(), references())
    assert "deprecated; the rscd step" in caplog.text


@pytest.mark.parametrize("groups", [1, 3])
def test_too_few_groups_stay_as_they_are(groups):
    with pytest.raises(Skip, match=f"found {groups} groups"):
        FirstFrameStep().apply(bright(groups), references())


@pytest.mark.parametrize(("instrument", "wanted"), [("MIRI", True), ("NIRCAM", False)])
def test_it_is_for_miri_only(instrument, wanted):
    assert FirstFrameStep().is_for(bright(instrument=instrument).meta) == wanted
