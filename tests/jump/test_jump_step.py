import logging

import numpy as np
import pytest
from helpers.stub_exposures import StubReference, header, ramp, references

from gpipe.controller import Block, Skip
from gpipe.exceptions import InputError, ParameterError
from gpipe.jump import JumpStep

SHAPE = (1, 7, 5, 6)
JUMP_DET, NO_GAIN = 4, (1 << 19) | 1
GAIN, READNOISE = np.full(SHAPE[-2:], 2, np.float32), np.full(SHAPE[-2:], 5, np.float32)
REFERENCES = references(gain=StubReference(data=GAIN), readnoise=StubReference(data=READNOISE))


def exposure(shape=SHAPE, *, hit=100.0, nframes=1, group_time=10.0, **more):
    """Ramps of 20 DN a group, with a step in group 3 of pixel (2, 2)."""
    data = 20 * np.arange(shape[1], dtype=np.float32)[:, None, None] * np.ones(shape, np.float32)
    data[:, 3:, 2, 2] += hit
    return ramp(data, nframes=nframes, group_time=group_time, nints=shape[0], ngroups=shape[1], **more)


def flagged(out):
    return set(zip(*np.nonzero(out.groupdq[0] & JUMP_DET), strict=True))


def test_a_hit_and_its_neighbours():
    out = JumpStep().apply(exposure(), REFERENCES)
    assert flagged(out) == {(3, 2, 2), (3, 1, 2), (3, 3, 2), (3, 2, 1), (3, 2, 3)}


def test_the_rate_of_jumps_goes_to_the_header():
    ours = exposure()
    ours.groupdq[:, 0] = 1
    JumpStep().apply(ours, REFERENCES)
    assert ours.meta.exposure.primary_cosmic_rays == pytest.approx(1000 * 1 / (10 * 5 * 30))
    assert ours.meta.exposure.extended_emission_events == 0


@pytest.mark.parametrize(
    ("parameters", "hit", "more", "count"),
    [
        ({"flag_4_neighbors": False}, 100, {}, 1),
        ({"min_jump_to_flag_neighbors": 20}, 100, {}, 1),
        ({"max_jump_to_flag_neighbors": 15}, 100, {}, 1),
        ({"rejection_threshold": 17}, 100, {}, 0),
        ({"min_diffs_single_pass": 6, "rejection_threshold": 17}, 100, {}, 0),
        ({"flag_4_neighbors": False}, 30, {}, 1),
        ({"flag_4_neighbors": False}, 24, {}, 1),
        ({"flag_4_neighbors": False}, 23, {}, 0),
        ({"flag_4_neighbors": False}, 23, {"nframes": 4}, 1),
        ({"flag_4_neighbors": False, "after_jump_flag_dn1": 90, "after_jump_flag_time1": 29}, 100, {}, 3),
        ({"flag_4_neighbors": False, "after_jump_flag_dn2": 90, "after_jump_flag_time2": 30}, 100, {}, 4),
        ({"flag_4_neighbors": False, "after_jump_flag_dn1": 110, "after_jump_flag_time1": 30}, 100, {}, 1),
        ({"minimum_groups": 8}, 100, {}, 0),
        ({"maximum_cores": "all"}, 100, {}, 5),
    ],
    ids=str,
)
def test_parameters(parameters, hit, more, count):
    """With nframes 1 sigma is sqrt(40 + 100) = 11.8 electrons."""
    assert len(flagged(JumpStep(**parameters).apply(exposure(hit=hit, **more), REFERENCES))) == count


@pytest.mark.parametrize(
    ("groups", "parameter", "sigma"),
    [(3, "three_group_rejection_threshold", 6.0), (4, "four_group_rejection_threshold", 5.0)],
)
def test_thresholds_of_short_ramps(groups, parameter, sigma):
    ours = exposure((1, groups, 5, 6), hit=0)
    ours.data[:, 2:, 2, 2] += 0.5 * 11.8322 * (sigma - 0.1)
    assert not flagged(JumpStep().apply(ours, REFERENCES))
    assert flagged(JumpStep(**{parameter: sigma - 0.2}).apply(ours, REFERENCES)) == {(2, 2, 2)}


def test_sigma_clipping_of_many_integrations(rng):
    ours = exposure((12, 4, 5, 6), hit=0)
    ours.data[:] += rng.normal(0, 5, ours.data.shape).astype(np.float32)
    ours.data[7, 3, 2, 2] += 200
    step = JumpStep(minimum_sigclip_groups=12, rejection_threshold=3.1, flag_4_neighbors=False)
    found = step.apply(ours, REFERENCES).groupdq
    assert np.argwhere(found).tolist() == [[7, 3, 2, 2]]


def test_pixels_without_gain():
    gain = GAIN.copy()
    gain[0, :3] = 0, -1, np.nan
    out = JumpStep().apply(
        exposure(), references(gain=StubReference(data=gain), readnoise=StubReference(data=READNOISE))
    )
    assert np.all(out.pixeldq[0, :3] == NO_GAIN)
    assert np.count_nonzero(out.pixeldq) == 3


def test_too_few_usable_groups_are_told_and_not_counted(caplog):
    ours = exposure((1, 4, 5, 6))
    ours.groupdq[:, 2:] = 1
    with caplog.at_level(logging.WARNING):
        out = JumpStep().apply(ours, REFERENCES)
    assert not flagged(out)
    assert "found 2 usable groups, expected 3" in caplog.text
    assert not hasattr(ours.meta.exposure, "primary_cosmic_rays")


@pytest.mark.parametrize("groups", [1, 2])
def test_two_groups_are_skipped(groups):
    with pytest.raises(Skip, match=f"NGROUPS is {groups}"):
        JumpStep().apply(exposure((1, groups, 5, 6), hit=0), REFERENCES)


def shower(size=60, **more):
    """Ramps of 20 DN a group, and 40 electrons (3.4 sigma) more in a disc in group 3."""
    ours = exposure((2, 7, size, size), hit=0.0, **more)
    row, column = np.mgrid[:size, :size]
    ours.data[0, 3:, np.hypot(row - 30, column - 30) < 8] += 20
    return ours


def planes(size=60):
    gain, noise = np.full((size, size), 2, np.float32), np.full((size, size), 5, np.float32)
    return references(gain=StubReference(data=gain), readnoise=StubReference(data=noise))


def test_a_shower_is_flagged_for_some_time():
    ours = shower()
    step = JumpStep(find_showers=True, time_masked_after_shower=25.0)
    work = step.begin(ours, planes(), step.summarize(ours))
    out = work.whole(ours)
    assert out.groupdq[0, :, 30, 30].tolist() == [0, 0, 0, JUMP_DET, JUMP_DET, JUMP_DET, 0]
    assert 200 < np.count_nonzero(out.groupdq[0, 3]) < 320
    assert not out.groupdq[1].any()
    assert work.end({"jumps": 0, "large events": 1}) == {"jumps": 0, "showers": 1}
    assert ours.meta.exposure.extended_emission_events == pytest.approx(1e6 / (10 * 12 * 60**2))


@pytest.mark.parametrize(
    ("parameters", "halo"),
    [
        ({}, 9),
        ({"extend_snr_threshold": 3.5}, 0),
        ({"extend_min_area": 400}, 0),
        ({"extend_ellipse_expand_ratio": 1.5}, 12),
        ({"max_extended_radius": 5}, 5),
        ({"extend_inner_radius": 9.0, "extend_outer_radius": 0.5, "extend_snr_threshold": 2.0}, 0),
        ({"minimum_sigclip_groups": 2}, 0),
    ],
    ids=str,
)
def test_parameters_of_showers(parameters, halo):
    out = JumpStep(find_showers=True, **parameters).apply(shower(), planes())
    rows = np.flatnonzero(out.groupdq[0, 3, :, 30])
    assert (rows.max() - 30 if rows.size else 0) == pytest.approx(halo, abs=1)


@pytest.mark.parametrize(("amplitude", "kept"), [(0.4, False), (0.5, True)])
def test_flags_that_change_a_rate_by_much_are_taken_back(amplitude, kept):
    """The change is 40 / 6 electrons in 10 s, which is 0.44 DN/s of the parameter; around the disc there is none."""
    out = JumpStep(find_showers=True, max_shower_amplitude=amplitude).apply(shower(), planes())
    assert (out.groupdq[0, 3, 30, 30] == JUMP_DET) == kept
    assert out.groupdq[0, 3, 38, 31] == JUMP_DET


def test_showers_need_ten_differences(caplog):
    ours = shower()
    ours.groupdq[1, 2:] = 1
    out = JumpStep(find_showers=True, minimum_groups=2).apply(ours, planes())
    assert not np.any(out.groupdq & JUMP_DET)
    assert "found 7 differences, expected 10" in caplog.text


def test_a_ring_without_pixels_is_refused():
    meta = header(SHAPE, group_time=10.0).meta
    with pytest.raises(ParameterError, match=r"extend_outer_radius: found 2.3, 0.4; expected a pixel .* 2.3 to 2.7"):
        JumpStep(find_showers=True, extend_inner_radius=2.3, extend_outer_radius=0.4).check(meta, REFERENCES)


@pytest.mark.parametrize(("bad", "word"), [({"nframes": None}, "NFRAMES"), ({"group_time": 0.0}, "TGROUP")])
def test_missing_metadata_are_told(bad, word):
    meta = header(SHAPE, **{"group_time": 10.0} | bad).meta
    with pytest.raises(InputError, match=f"found {word} "):
        JumpStep().check(meta, REFERENCES)


def test_uneven_reads_do_not_matter():
    """As in jwst 3.0.0, which reads them but does not use them."""
    uneven = exposure(read_times=[[1.0], [2.0], [4.0], [8.0], [9.0], [10.0], [11.0]])
    assert flagged(JumpStep().apply(uneven, REFERENCES)) == flagged(JumpStep().apply(exposure(), REFERENCES))


@pytest.mark.parametrize("only_use_ints", [True, False])
def test_flags_of_all_pixels_of_a_group_are_taken_back(rng, only_use_ints):
    shape = (30, 4, *SHAPE[-2:])
    data = np.cumsum(rng.normal(20, 3, shape), axis=1).astype(np.float32)
    data[7, 2:] += 5000  # no hit: the whole image moves
    data[9, 2:, 1:, :] += 5000
    data[11, 3, 4, 3] += 5000
    groupdq = np.zeros(shape, np.uint8)
    groupdq[7, 2, 0, 0] = 1
    step = JumpStep(minimum_sigclip_groups=30, only_use_ints=only_use_ints, min_jump_to_flag_neighbors=1e3)
    whole = ramp(data, groupdq=groupdq, nframes=1, group_time=10.0, nints=30, ngroups=4)
    assert step.block(whole.meta) == Block.ROWS
    out = step.apply(whole, REFERENCES)
    assert not np.any(out.groupdq[7, 2] & JUMP_DET)
    assert np.all(out.groupdq[9, 2, 1:] & JUMP_DET)
    assert not np.any(out.groupdq[9, 2, 0] & JUMP_DET)
    assert out.groupdq[11, 3, 4, 3] & JUMP_DET
    expected = np.count_nonzero(out.groupdq & JUMP_DET)
    assert whole.meta.exposure.primary_cosmic_rays == pytest.approx(1000 * expected / (10 * 30 * 3 * 30))
