import numpy as np
import pytest

from gpipe import dq
from gpipe.arrays.interleaved import own_rows, science_rows, with_science_rows
from gpipe.saturation import irs2
from gpipe.saturation.irs2 import flag_saturation_irs2

ROWS, COLUMNS = 100, 7


def places(reference_first):
    """The rows of normal pixels."""
    return own_rows(slice(0, ROWS), total=ROWS, reference_first=reference_first).places


def box(mask, reach):
    out = np.zeros_like(mask)
    for y, x in np.argwhere(mask):
        out[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1] = True
    return out


def slow(counts, groupdq, level, level_dq, *, grow, nframes, bias):
    """Flags of the normal pixels, in double precision."""
    unchecked = np.isnan(level) | ((level_dq & dq.NO_SAT_CHECK) != 0)
    limit = np.where(unchecked, 65536.0, level.astype(float))
    flags = groupdq.copy()
    for i, ramp in enumerate(counts.astype(float)):
        for g in range(len(ramp)):
            flags[i, g:][:, box(ramp[g] >= limit, grow)] |= dq.SATURATED
            flags[i, g][ramp[g] <= 0] |= dq.AD_FLOOR | dq.DO_NOT_USE
        if nframes is not None and len(ramp) > 2:
            zero = 0.0 if bias is None else bias.astype(float)
            unannounced = (ramp[0] - zero) / ((nframes + 1) / 2) * 3 * nframes + zero < limit
            late = unannounced & (ramp[1] - ramp[0] > (limit - ramp[0]) / nframes) & (ramp[2] >= limit)
            flags[i, 1][box(late, grow)] |= dq.SATURATED
    return flags


@pytest.fixture
def scene(rng):
    data = np.cumsum(rng.integers(0, 9000, (2, 5, ROWS, COLUMNS)), axis=1).astype(np.float32)
    data[rng.random(data.shape) < 0.02] = 0
    sudden = rng.random((2, ROWS, COLUMNS)) < 0.2
    data[:, 1][sudden] = data[:, 0][sudden] + 20000
    data[:, 2:][np.broadcast_to(sudden[:, None], data[:, 2:].shape)] = 64000
    level = rng.integers(45000, 60000, (64, COLUMNS)).astype(np.float32)
    level[rng.random(level.shape) < 0.1] = np.nan
    level_dq = np.where(rng.random(level.shape) < 0.1, np.uint32(dq.NO_SAT_CHECK), np.uint32(0))
    groupdq = rng.choice(np.array([0] * 9 + [dq.SATURATED], dtype=np.uint8), data.shape)
    pixeldq = rng.integers(0, 4, (ROWS, COLUMNS), dtype=np.uint32)
    bias = rng.integers(0, 3000, (ROWS, COLUMNS)).astype(np.float32)
    bias[rng.random(bias.shape) < 0.1] = np.nan
    return data, groupdq, pixeldq, level, level_dq, bias


@pytest.mark.parametrize("reference_first", [True, False])
@pytest.mark.parametrize(("grow", "nframes", "with_bias"), [(1, 5, True), (0, 5, False), (2, 1, True), (1, None, True)])
def test_flags_are_those_of_a_loop(library, scene, reference_first, grow, nframes, with_bias):
    data, groupdq, pixeldq, level, level_dq, bias = scene
    bias = bias if with_bias else None
    side = {"reference_first": reference_first}
    zeroframe = data[:, 0] - 500
    found = library.run(
        flag_saturation_irs2, data, groupdq, pixeldq, level, level_dq,
        grow=grow, nframes=nframes, bias=bias, zeroframe=zeroframe, places=places(reference_first),
    )  # fmt: skip
    normal = [science_rows(x, **side) for x in (data, groupdq)]
    own_bias = None if bias is None else science_rows(bias, **side)
    flags = slow(*normal, level, level_dq, grow=grow, nframes=nframes, bias=own_bias)
    expected = with_science_rows(groupdq, flags, **side)
    np.testing.assert_array_equal(found.groupdq, expected)
    all_dq = level_dq | np.where(np.isnan(level), dq.NO_SAT_CHECK, 0).astype(np.uint32)
    new_dq = with_science_rows(pixeldq, science_rows(pixeldq, **side) | all_dq, **side)
    np.testing.assert_array_equal(found.pixeldq, new_dq)
    assert found.saturated_pixels.sum() == np.count_nonzero((expected & dq.SATURATED).any(axis=(0, 1)))
    assert found.floor_pixels.sum() == np.count_nonzero((expected & dq.AD_FLOOR).any(axis=(0, 1)))
    zero = science_rows(zeroframe, **side)
    limit = np.where(np.isnan(level) | (level_dq != 0), 65536, level)
    bad = np.stack([box(x >= limit, grow) for x in zero]) | (zero <= 0)
    np.testing.assert_array_equal(found.zeroframe, with_science_rows(zeroframe, np.where(bad, 0, zero), **side))


@pytest.mark.parametrize("reference_first", [True, False])
@pytest.mark.parametrize("grow", [0, 1, 17])
def test_blocks_change_nothing(library, scene, monkeypatch, reference_first, grow):
    data, groupdq, pixeldq, level, level_dq, bias = scene
    data[data > 55000] *= 0.9  # some saturate
    arguments = {"grow": grow, "nframes": 5, "bias": bias, "zeroframe": data[:, 0], "places": places(reference_first)}
    whole = flag_saturation_irs2(data, groupdq, pixeldq, level, level_dq, **arguments)
    monkeypatch.setattr(irs2, "BLOCK_SAMPLES", 1)
    parts = library.run(flag_saturation_irs2, data, groupdq, pixeldq, level, level_dq, **arguments)
    for name in ("groupdq", "pixeldq", "zeroframe", "saturated_pixels", "floor_pixels"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name), err_msg=name)


@pytest.mark.parametrize("rows", [slice(0, 15), slice(15, 28), slice(13, 100), slice(27, 41)], ids=str)
def test_a_part_may_be_any_rows(scene, rows):
    data, groupdq, pixeldq, level, level_dq, bias = scene
    more = {"nframes": 5, "grow": 0}
    whole = flag_saturation_irs2(data, groupdq, pixeldq, level, level_dq, places=places(True), bias=bias, **more)
    own = own_rows(rows, total=ROWS, reference_first=True)
    arrays = data[..., rows, :], groupdq[..., rows, :], pixeldq[rows], level[own.normal], level_dq[own.normal]
    found = flag_saturation_irs2(*arrays, places=own.places, bias=bias[rows], **more)
    np.testing.assert_array_equal(found.groupdq, whole.groupdq[..., rows, :])
    np.testing.assert_array_equal(found.pixeldq, whole.pixeldq[rows])
