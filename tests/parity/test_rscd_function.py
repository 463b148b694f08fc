"""rscd against jwst's: GROUPDQ, PIXELDQ and the keywords of the step equal, or the step skipped by both.

Over subarrays, read patterns, tables with and without the first integration, short and long integrations, segments,
and saturation at any time. Flags are such as the saturation step makes: saturation lasts to the end of an integration.
The one difference: a pixel counts as one that keeps its first group only if there was a group to leave out.
"""

import numpy as np
import pytest
from helpers.early_steps import apply, assert_same_ramp, ramp_model, ramps
from stdatamodels.jwst.datamodels import RSCDModel

from gpipe import dq
from gpipe.controller import Skip

pytestmark = pytest.mark.parity

SHAPE = (9, 8)
COLUMNS = [("subarray", "S17"), ("readpatt", "S12"), ("group_skip1", "i4"), ("group_skip", "i4")]
KEYWORDS = [
    f"{name}_{which}"
    for name in ("ngroups_skip", "keep_groups_saturation", "keep_bright_firstgroup")
    for which in ("int1", "int2p")
]


def reference(rng, *, with_first=True):
    table = np.zeros(4, COLUMNS)
    table["subarray"] = ["FULL", "FULL", "SLITLESSPRISM", "SUB64"]
    table["readpatt"] = ["FASTR1", "SLOWR1", "FASTR1", "FASTR1"]
    table["group_skip"] = rng.integers(0, 8, 4)
    table["group_skip1"] = rng.integers(0, 8, 4) if with_first else -1
    return RSCDModel(rscd_group_skip_table=table)


def exposure(rng, groups, saturating, **meta):
    nints = int(rng.integers(1, 4))
    samples = ramps(rng, SHAPE)
    starts = rng.integers(0, groups, (nints, 1, *SHAPE))
    starts[rng.random(starts.shape) > saturating] = groups
    saturated = (np.arange(groups)[:, None, None] >= starts) * dq.SATURATED
    groupdq = (saturated | rng.choice([0, 0, 0, 1, 4], saturated.shape)).astype(np.uint8)
    data = rng.normal(size=saturated.shape).astype(np.float32)
    start = int(rng.integers(1, 4))
    segment = {"integration_start": start, "integration_end": start + nints - 1, "nints": 10} if start > 1 else {}
    model = ramp_model(data, groupdq=groupdq, pixeldq=samples["pixeldq"], detector="MIRIMAGE", **segment)
    model.meta.subarray.name = meta.get("subarray", "FULL")
    model.meta.exposure.readpatt = meta.get("readpatt", "FASTR1")
    return model


def both(model, table):
    rscd_sub = pytest.importorskip("jwst.rscd.rscd_sub")
    from gpipe.rscd import RscdStep

    theirs, kept = rscd_sub.do_correction(model.copy(), table.copy()), model.copy()
    if theirs.meta.cal_step.rscd == "SKIPPED":
        with pytest.raises(Skip):
            apply(RscdStep(), kept, rscd=table)
        return None, theirs
    return apply(RscdStep(), kept, rscd=table), theirs


def assert_same(ours, theirs):
    assert_same_ramp(ours, theirs)
    found, expected = ({name: getattr(m.meta.rscd, name) for name in KEYWORDS} for m in (ours, theirs))
    for which in ("int1", "int2p"):
        if expected[f"ngroups_skip_{which}"] == 0:
            assert found.pop(f"keep_bright_firstgroup_{which}") == 0
            del expected[f"keep_bright_firstgroup_{which}"]
    assert found == expected


@pytest.mark.parametrize("saturating", [0, 0.03, 0.6])
@pytest.mark.parametrize("groups", [2, 3, 4, 5, 6, 9, 20])
@pytest.mark.parametrize("seed", range(2))
def test_flags(seed, groups, saturating):
    rng = np.random.default_rng([seed, groups])
    ours, theirs = both(exposure(rng, groups, saturating), reference(rng))
    assert (ours is None) == (groups < 3)
    if ours is not None:
        assert_same(ours, theirs)


@pytest.mark.parametrize(
    ("meta", "skipped"),
    [
        ({"subarray": "SUB64"}, False),
        ({"subarray": "SUBPRISM"}, False),
        ({"readpatt": "SLOWR1"}, False),
        ({"subarray": "SUB64", "readpatt": "SLOWR1"}, True),
        ({"subarray": "SUB128"}, True),
        ({"readpatt": "FASTGRPAVG"}, True),
    ],
)
def test_row_of_the_table(meta, skipped):
    rng = np.random.default_rng(7)
    ours, theirs = both(exposure(rng, 12, 0.2, **meta), reference(rng))
    assert (ours is None) == skipped
    if not skipped:
        assert_same(ours, theirs)


def test_a_table_of_the_old_kind():
    rng = np.random.default_rng(8)
    assert_same(*both(exposure(rng, 12, 0.2), reference(rng, with_first=False)))
