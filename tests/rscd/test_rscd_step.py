import numpy as np
import pytest
from helpers.stub_exposures import StubReference, ramp, references

from gpipe import dq
from gpipe.controller import Skip
from gpipe.exceptions import ReferenceFileError
from gpipe.rscd import RscdStep
from gpipe.rscd.rscd_step import TABLE

ROWS = [("FULL", "FASTR1", 2, 4), ("SUB64", "FASTR1", 1, 3)]
COLUMNS = [("subarray", "U17"), ("readpatt", "U12"), ("group_skip1", "i4"), ("group_skip", "i4")]


def table(columns=COLUMNS):
    out = np.zeros(len(ROWS), columns)
    for number, name in enumerate(dict(COLUMNS)):
        if name in out.dtype.names:
            out[name] = [row[number] for row in ROWS]
    return references(rscd=StubReference(rscd_group_skip_table=out))


def exposure(nints=3, ngroups=10, *, saturated_from=None, readpatt="FASTR1", instrument="MIRI", **meta):
    flags = np.zeros((nints, ngroups, 4, 5), np.uint8)
    if saturated_from is not None:
        flags[-1, saturated_from:, 1, 2] = dq.SATURATED
    data = np.zeros(flags.shape, np.float32)
    return ramp(data, groupdq=flags, instrument=instrument, readpatt=readpatt, **meta)


def left_out(out):
    return np.count_nonzero(out.groupdq[..., 0, 0] & dq.DO_NOT_USE, axis=1).tolist()


@pytest.mark.parametrize(
    ("meta", "expected"),
    [({}, [2, 4, 4]), ({"subarray": "SUB64"}, [1, 3, 3]), ({"integration_start": 7}, [4, 4, 4]),
     ({"integration_start": 1}, [2, 4, 4]), ({"ngroups": 5}, [1, 1, 1]), ({"ngroups": 6}, [2, 3, 3]),
     ({"nints": 1}, [2])],
)  # fmt: skip
def test_groups_left_out(meta, expected):
    before = exposure(**meta)
    out = RscdStep().apply(before, table())
    assert left_out(out) == expected
    assert out.data is before.data


def test_what_was_done_is_in_the_header():
    before = exposure(saturated_from=2)
    out = RscdStep().apply(before, table())
    assert out.pixeldq[1, 2] == dq.FLUX_ESTIMATED
    assert np.count_nonzero(out.pixeldq) == 1
    assert vars(before.meta.rscd) == {
        "ngroups_skip_int1": 2,
        "keep_groups_saturation_int1": 0,
        "keep_bright_firstgroup_int1": 0,
        "ngroups_skip_int2p": 4,
        "keep_groups_saturation_int2p": 1,
        "keep_bright_firstgroup_int2p": 1,
    }


@pytest.mark.parametrize("meta", [{"nints": 1}, {"integration_start": 2}])
def test_the_header_names_only_integrations_that_there_are(meta):
    before = exposure(**meta)
    RscdStep().apply(before, table())
    assert {name.rpartition("_")[2] for name in vars(before.meta.rscd)} == {"int1" if "nints" in meta else "int2p"}


@pytest.mark.parametrize(
    "columns", [[*COLUMNS[:2], COLUMNS[3]], [("subarray", "S17"), ("readpatt", "S12"), COLUMNS[3]]]
)
def test_a_table_without_the_first_integration(columns, caplog):
    assert left_out(RscdStep().apply(exposure(), table(columns))) == [1, 4, 4]
    assert "stub.fits: found no GROUP_SKIP1" in caplog.text


@pytest.mark.parametrize(
    ("meta", "reason"),
    [
        ({"subarray": None}, "stub.fits has no SUBARRAY=None, READPATT=FASTR1"),
        ({"subarray": "SUB128"}, "stub.fits has no SUBARRAY=SUB128, READPATT=FASTR1"),
        ({"readpatt": "SLOWR1"}, "has no SUBARRAY=FULL, READPATT=SLOWR1"),
        ({"ngroups": 2}, "found 2 groups"),
    ],
)
def test_skipped(meta, reason):
    with pytest.raises(Skip, match=reason):
        RscdStep().apply(exposure(**meta), table())


@pytest.mark.parametrize(("instrument", "wanted"), [("MIRI", True), ("NIRISS", False)])
def test_it_is_for_miri_only(instrument, wanted):
    assert RscdStep().is_for(exposure(instrument=instrument).meta) == wanted


@pytest.mark.parametrize(("skip", "expected"), [(-1, [2, 0, 0]), (-7, [2, 0, 0]), (99, [2, 7, 7])])
def test_numbers_of_groups_that_no_integration_has(skip, expected):
    given = table()
    given["rscd"].read(TABLE)["group_skip"] = skip
    before = exposure()
    assert left_out(RscdStep().apply(before, given)) == expected
    assert before.meta.rscd.ngroups_skip_int2p == expected[1]


OF_ANOTHER_KIND = {
    "no subarray": (COLUMNS[1:], ("FASTR1", 1, 2)),
    "no group_skip": (COLUMNS[:3], ("FULL", "FASTR1", 1)),
    "group_skip of text": ([*COLUMNS[:3], ("group_skip", "U9")], ("FULL", "FASTR1", 1, "many")),
    "group_skip of NaN": ([*COLUMNS[:3], ("group_skip", "f4")], ("FULL", "FASTR1", 1, np.nan)),
    "two values of group_skip": ([*COLUMNS[:3], ("group_skip", "i4", 2)], ("FULL", "FASTR1", 1, 2)),
}


@pytest.mark.parametrize(("columns", "row"), OF_ANOTHER_KIND.values(), ids=OF_ANOTHER_KIND)
def test_a_table_of_another_kind_is_refused_before_work(columns, row):
    given = references(rscd=StubReference(rscd_group_skip_table=np.array([row], columns)))
    with pytest.raises(ReferenceFileError, match=r"stub.fits: found contents .*; expected a table rscd_group"):
        RscdStep().check(exposure().meta, given)
