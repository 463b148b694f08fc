"""Jump detection beside stcal 1.20.0, on small ramps of every regime.

Compared: groupdq, pixeldq and the number of primary jumps, of the portable function and of its native kernel, which
must be equal. stcal computes in float64 from the float32 differences, gpipe in float32: a difference within 1e-6 of
its threshold may be judged otherwise; the seeded ramps have none. Not compared: snowballs (test_snowballs_function.py)
and showers (test_showers_function.py).
"""

from types import SimpleNamespace

import numpy as np
import pytest

from gpipe.arrays.unusable import unusable_rows
from gpipe.backends import native
from gpipe.jump.after_jump import AfterJump
from gpipe.jump.detection import JumpSettings, flag_jumps, flag_unknown_gain
from gpipe.jump.iterative import Thresholds
from gpipe.jump.method import choose_method, unusable_groups
from gpipe.jump.neighbours import Neighbours

pytestmark = pytest.mark.parity

DO_NOT_USE, SATURATED, JUMP_DET = 1, 2, 4
FRAMES = 4
VERSIONS = (flag_jumps, native.find(flag_jumps, native.CPU))


def defaults(**changed):
    return {
        "rejection": 4.0,
        "three_group": 6.0,
        "four_group": 5.0,
        "neighbours": True,
        "least": 10.0,
        "most": 1000.0,
        "after": ((0.0, 0), (0.0, 0)),
        "min_diffs_single_pass": 10,
        "minimum_groups": 3,
        "minimum_sigclip_groups": 100,
        "only_use_ints": True,
    } | changed


def ramps(rng, shape, *, flux=50.0, hits=0.03, whole=False, bad=0.02):
    """Noisy ramps with hits, saturation, DO_NOT_USE and JUMP_DET samples, NaN and pixels without gain or noise."""
    integrations, groups, rows, columns = shape
    rate = rng.exponential(flux, (rows, columns))
    gained = rng.poisson(rate, shape) + rng.normal(0, 9, shape)
    struck = rng.random(shape) < hits
    gained[struck] += rng.choice([-1.0, 1.0, 1.0, 1.0], struck.sum()) * rng.exponential(600, struck.sum())
    data = np.cumsum(gained, axis=1)
    data = (np.round(data) if whole else data).astype(np.float32)
    groupdq = np.zeros(shape, np.uint8)
    full_at = rng.integers(1, 3 * groups + 2, (integrations, 1, rows, columns))
    groupdq[np.arange(groups).reshape(1, -1, 1, 1) >= full_at] |= SATURATED
    groupdq[rng.random(shape) < bad] |= DO_NOT_USE
    groupdq[rng.random(shape) < bad / 3] |= JUMP_DET
    groupdq[rng.random(shape) < bad] |= 16
    data[rng.random(shape) < bad / 3] = np.nan
    gain = rng.uniform(1.5, 2.0, (rows, columns)).astype(np.float32) if not whole else np.ones((rows, columns), "f4")
    noise = rng.uniform(5, 9, (rows, columns)).astype(np.float32) if not whole else np.full((rows, columns), 8, "f4")
    gain.flat[:4] = np.nan, 0.0, -1.0, 1.0
    noise.flat[4:6] = 0.0, np.nan
    data[:, :, -1, -1] = 100.0
    noise[-1, -1] = 0.0
    return data, groupdq, gain, noise


def by_stcal(data, groupdq, gain, noise, o):
    from stcal.jump.jump import detect_jumps_data
    from stcal.jump.jump_class import JumpData
    from stdatamodels.jwst.datamodels import dqflags

    exposure = SimpleNamespace(nframes=FRAMES)
    model = SimpleNamespace(
        data=data.copy(),
        groupdq=groupdq.copy(),
        pixeldq=np.zeros(gain.shape, np.uint32),
        meta=SimpleNamespace(exposure=exposure),
    )
    job = JumpData(model, gain.copy(), noise.copy(), dqflags.pixel)
    job.set_detection_settings(
        o["rejection"], o["three_group"], o["four_group"], o["most"], o["least"], o["neighbours"]
    )
    (dn1, n1), (dn2, n2) = o["after"]
    job.set_after_jump(dn1, n1, dn2, n2)
    job.min_diffs_single_pass = o["min_diffs_single_pass"]
    job.set_sigma_clipping_info(o["minimum_groups"], o["minimum_sigclip_groups"], o["only_use_ints"])
    job.max_cores = "1"
    with np.errstate(all="ignore"):
        flagged, pixeldq, primary, _ = detect_jumps_data(job)
    return flagged, pixeldq, primary


def by_gpipe(function, data, groupdq, gain, noise, o, **how):
    method = choose_method(
        unusable_groups(unusable_rows(groupdq)).tolist(),
        data.shape[1],
        minimum_groups=o["minimum_groups"],
        minimum_sigclip_groups=o["minimum_sigclip_groups"],
        only_use_ints=o["only_use_ints"],
        min_diffs_single_pass=o["min_diffs_single_pass"],
    )
    settings = JumpSettings(
        method=method,
        thresholds=Thresholds(four_or_more=o["rejection"], three=o["four_group"], two=o["three_group"]),
        frames=FRAMES,
        only_use_ints=o["only_use_ints"],
        neighbours=Neighbours(least=o["least"], most=o["most"]) if o["neighbours"] else None,
        after=tuple(AfterJump(dn=dn, groups=n) for dn, n in o["after"] if n > 0),
    )
    out = function(data, groupdq, gain, noise, settings=settings, **how)
    return out.groupdq, flag_unknown_gain(np.zeros(gain.shape, np.uint32), gain), out.primary


def compare(exposure, o, **how):
    flagged, pixeldq, primary = by_stcal(*exposure, o)
    for function in VERSIONS:
        ours, our_pixeldq, our_primary = by_gpipe(function, *exposure, o, **how)
        np.testing.assert_array_equal(our_pixeldq, pixeldq)
        assert (-99 if our_primary is None else int(our_primary.sum())) == primary
        np.testing.assert_array_equal(ours, flagged)
        assert ours.dtype == flagged.dtype
    return flagged


SHAPES = [(1, n, 12, 14) for n in (3, 4, 5, 6, 8, 10, 11, 14, 20)] + [
    (2, 3, 12, 14),
    (5, 3, 12, 14),
    (3, 6, 12, 14),
    (2, 12, 12, 14),
    (20, 5, 6, 7),
    (99, 4, 5, 6),
    (2, 2, 12, 14),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("whole", [False, True], ids=["real", "whole numbers"])
def test_two_point_differences(shape, seed, whole):
    rng = np.random.default_rng([seed, *shape])
    flagged = compare(ramps(rng, shape, whole=whole, flux=rng.choice([0.5, 50.0, 3000.0])), defaults())
    assert np.any(flagged & JUMP_DET) or shape[0] * (shape[1] - 1) < 3


@pytest.mark.parametrize(
    "changed",
    [
        {"neighbours": False},
        {"least": 3.0, "most": 15.0},
        {"least": 0.0, "most": 1e9},
        {"rejection": 1.0, "three_group": 1.5, "four_group": 1.2},
        {"rejection": 0.0, "three_group": 0.0, "four_group": 0.0},
        {"after": ((100.0, 2), (0.0, 0))},
        {"after": ((100.0, 1), (300.0, 3)), "rejection": 3.0},
        {"after": ((0.0, 100), (300.0, 0))},
        {"after": ((20.0, 3), (300.0, 60)), "neighbours": False},
        {"min_diffs_single_pass": 1},
        {"min_diffs_single_pass": 50},
        {"min_diffs_single_pass": 4, "after": ((100.0, 2), (50.0, 1))},
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", [(1, 5, 12, 14), (2, 8, 12, 14), (1, 15, 12, 14)], ids=str)
def test_options(shape, changed):
    rng = np.random.default_rng([7, *shape])
    compare(ramps(rng, shape), defaults(**changed))


@pytest.mark.parametrize("only_use_ints", [True, False])
@pytest.mark.parametrize("rejection", [1.0, 3.0, 4.5])
@pytest.mark.parametrize(
    "shape", [(100, 3, 5, 6), (150, 5, 5, 6), (12, 11, 5, 6), (5, 25, 5, 6), (200, 2, 4, 5)], ids=str
)
@pytest.mark.parametrize("bad", [0.02, 0.5])
def test_sigma_clipping(shape, rejection, only_use_ints, bad):
    rng = np.random.default_rng([11, *shape])
    compare(ramps(rng, shape, bad=bad, hits=0.02), defaults(rejection=rejection, only_use_ints=only_use_ints))


def test_sigma_clipping_of_a_group_with_nothing_but_jumps():
    rng = np.random.default_rng(12)
    data, groupdq, gain, noise = ramps(rng, (10, 5, 3, 4), bad=0.0)
    groupdq[:] = 0
    data = np.where(np.isnan(data), 0, data)
    data[3, 2:] += 10000.0
    flagged = compare(
        (data, groupdq, np.abs(np.nan_to_num(gain)) + 1, noise), defaults(minimum_sigclip_groups=9, rejection=2.0)
    )
    assert not np.any(flagged[3, 2] & JUMP_DET)


@pytest.mark.parametrize("minimum_sigclip_groups", [5, 100])
@pytest.mark.parametrize("unusable", [0, 1, 3, 4, 5])
def test_groups_that_no_pixel_can_use(unusable, minimum_sigclip_groups):
    rng = np.random.default_rng(13)
    exposure = ramps(rng, (6, 6, 8, 9))
    exposure[1][1, :unusable] |= DO_NOT_USE
    exposure[1][:, -1:] |= DO_NOT_USE
    for only_use_ints in (True, False):
        compare(exposure, defaults(minimum_sigclip_groups=minimum_sigclip_groups, only_use_ints=only_use_ints))


@pytest.mark.parametrize("groups", [3, 4, 5, 6, 9])
@pytest.mark.parametrize("integrations", [1, 2])
def test_ties(groups, integrations):
    """Differences that take a few whole values: equal largest, equal smallest, all equal."""
    rng = np.random.default_rng(groups)
    shape = (integrations, groups, 30, 30)
    for values in ([0, 400], [0, 0, 0, 100, 5000], [-100, 100], [0, 9, 90, 900], [1000, 1000, 0, 2000], [7]):
        data = np.cumsum(rng.choice(values, shape), axis=1).astype(np.float32)
        groupdq = np.where(rng.random(shape) < 0.05, DO_NOT_USE, 0).astype(np.uint8)
        gain, noise = np.ones((30, 30), np.float32), rng.choice([0.0, 1.0, 8.0], (30, 30)).astype(np.float32)
        for changed in ({}, {"neighbours": False, "rejection": 2.0, "three_group": 1.0, "four_group": 3.0}):
            compare((data, groupdq, gain, noise), defaults(**changed))


@pytest.mark.parametrize(
    "how", [{"block_pixels": 1}, {"block_pixels": 20}, {"block_pixels": 50, "workers": 3}], ids=str
)
def test_blocks_and_threads_do_not_change_the_result(how):
    rng = np.random.default_rng(14)
    compare(ramps(rng, (2, 6, 13, 9), hits=0.1), defaults(least=4.0, after=((200.0, 2), (0.0, 0))), **how)
