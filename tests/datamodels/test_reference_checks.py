"""References that a step would otherwise leave to the arithmetic: refused before work, by one line."""

import os

import asdf
import numpy as np
import pytest
from astropy.io import fits
from helpers.small_models import describe
from stdatamodels.jwst import datamodels

from gpipe.datamodels import Reference
from gpipe.datamodels.references.checks import contents_of
from gpipe.exceptions import ReferenceFileError

ROWS, COLUMNS = 4, 6
PLACE = {"SUBSTRT1": 1, "SUBSTRT2": 1, "SUBSIZE1": COLUMNS, "SUBSIZE2": ROWS}
DQ_DEF = np.array([(0, 1, "HOT", "")], [("BIT", "i4"), ("VALUE", "u4"), ("NAME", "S40"), ("DESCRIPTION", "S80")])


def ones(*lead, dtype="f4"):
    return np.ones((*lead, ROWS, COLUMNS), dtype)


def reference(folder, reftype, tables=(), keywords=None, **images):
    primary = fits.PrimaryHDU()
    primary.header.update(PLACE | (keywords or {}))
    hdus = [fits.ImageHDU(values, name=name.upper()) for name, values in images.items()]
    hdus += [fits.BinTableHDU(table, name="DQ_DEF") for table in tables]
    fits.HDUList([primary, *hdus]).writeto(folder / "mine.fits")
    return Reference(reftype, folder / "mine.fits")


@pytest.fixture
def meta():
    model = datamodels.RampModel()
    describe(model, (1, 2, ROWS, COLUMNS))
    return model.meta


REFUSED = [
    ("linearity", {"coeffs": ones(1)}, {}, r"found coeffs of shape \(1, 4, 6\); expected 2 planes or more"),
    ("linearity", {"coeffs": ones(3), "inv_coeffs": ones(1)}, {}, r"found inv_coeffs of shape .*; expected 2 planes"),
    ("linearity", {"coeffs": ones(3), "inv_coeffs": ones()}, {}, r"found inv_coeffs of shape .*; expected 3 axes"),
    ("reset", {"sci": ones(2, 3), "dq": ones(2, 1, dtype="u4")}, {}, r"found dq of shape .*; expected 2 axes"),
    ("reset", {"sci": ones(2, 3)}, {"NGROUPS": "many"}, r"found NGROUPS = 'many'; expected a number, whole, 0 or more"),
    ("dark", {"sci": ones(2), "dq": ones(2, dtype="u4")}, {}, r"found dq of shape \(2, 4, 6\); expected 2 or 4 axes"),
    ("dark", {"sci": ones(2)}, {"NFRAMES": 0}, r"found NFRAMES = 0; expected a number, whole, 1 or more"),
    ("dark", {"sci": ones(2)}, {"NFRAMES": 2.5}, r"found NFRAMES = 2.5; expected a number, whole"),
    ("dark", {"sci": ones(2)}, {"GROUPGAP": -1}, r"found GROUPGAP = -1; expected a number, whole, 0 or more"),
    ("dark", {"sci": ones(2)}, {"AVDRKCUR": "low"}, r"found AVDRKCUR = 'low'; expected a number$"),
    ("gain", {"sci": ones()}, {"GAINFACT": "two"}, r"found GAINFACT = 'two'; expected a number, above 0"),
    ("gain", {"sci": ones()}, {"GAINFACT": -2.0}, r"found GAINFACT = -2.0; expected a number, above 0"),
    ("gain", {"sci": ones()}, {"SUBSTRT1": "left"}, r"found SUBSTRT1 = 'left'; expected a number, whole"),
    ("gain", {"sci": ones()}, {"SUBSTRT2": 1.5}, r"found SUBSTRT2 = 1.5; expected a number, whole"),
    ("gain", {"sci": ones(1)}, {}, r"found data of shape \(1, 4, 6\); expected 2 axes, none of them empty"),
    ("mask", {"dq": ones()}, {}, r"found dq of type .?float32; expected whole numbers"),
    ("superbias", {"sci": ones(), "dq": ones(dtype="f8")}, {}, r"found dq of type .?float64; expected whole numbers"),
    ("mask", {"dq": (1 << 33) * ones(dtype="i8")}, {}, r"found dq of more than 32 bits; expected 32"),
    ("mask", {"dq": -ones(dtype="i8")}, {}, r"found dq of more than 32 bits; expected 32"),
    ("mask", {"dq": ones(dtype="u4"), "dq_def": ones()}, {}, r"found an image DQ_DEF; expected a table"),
    ("saturation", {"err": ones()}, {}, r"found no array data; expected one \(extension SCI\)"),
]  # fmt: skip


@pytest.mark.parametrize(("reftype", "images", "keywords", "expected"), REFUSED)
def test_what_no_step_can_use_is_refused(reftype, images, keywords, expected, tmp_path, meta):
    with pytest.raises(ReferenceFileError, match=expected) as caught:
        reference(tmp_path, reftype, keywords=keywords, **images).check(meta)
    assert "mine.fits" in str(caught.value)
    assert "\n" not in str(caught.value)


USED = [
    ("dark", {"sci": ones(2, 3), "dq": ones(2, 1, dtype="u4")}, {"NFRAMES": 1.0}),
    ("dark", {"sci": ones(2)}, {}),
    ("mask", {"dq": 3 * ones(dtype="i8")}, {}),
    ("mask", {"dq": ones(dtype="u1")}, {}),
    ("gain", {"sci": ones(dtype="i2")}, {"SUBSTRT1": 1.0}),
    ("linearity", {"coeffs": ones(2), "dq": ones(dtype="i4")}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("reftype", "images", "keywords"), USED)
def test_what_steps_can_use_passes(reftype, images, keywords, tmp_path, meta):
    found = reference(tmp_path, reftype, keywords=keywords, **images)
    found.check(meta)
    if "dq" in images:
        np.testing.assert_array_equal(found.read("dq"), images["dq"])


def without(table, column):
    return table[[name for name in table.dtype.names if name != column]].copy()


def with_values(column, values):
    kinds = {name: DQ_DEF.dtype[name] for name in DQ_DEF.dtype.names} | {column: values.dtype}
    table = np.zeros(1, list(kinds.items()))
    for name in kinds:
        table[name] = values if name == column else DQ_DEF[name]
    return table


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (without(DQ_DEF, "VALUE"), "found the columns BIT, NAME, DESCRIPTION in DQ_DEF; expected VALUE among them"),
        (without(DQ_DEF, "NAME"), "expected NAME among them"),
        (with_values("VALUE", np.array([1.5])), "found VALUE of type float64 in DQ_DEF; expected whole numbers"),
        (with_values("VALUE", np.array([-1], "i8")), "found VALUE -1 in DQ_DEF; expected flags of 32 bits"),
        (with_values("VALUE", np.array([1 << 32], "i8")), "found VALUE 4294967296 in DQ_DEF"),
        (with_values("NAME", np.array([7])), "found NAME of type int64 in DQ_DEF; expected names"),
    ],
)
def test_definitions_of_flags_that_are_none_are_refused(table, expected, tmp_path, meta):
    with pytest.raises(ReferenceFileError, match=f"mine.fits: .*{expected}"):
        reference(tmp_path, "mask", [table], dq=ones(dtype="u4")).check(meta)


def test_columns_of_tables_have_no_case(tmp_path):
    table = np.array([("FULL", 3)], [("SUBARRAY", "S8"), ("Group_Skip", "i4")])
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU(table, name="RSCD_GROUP_SKIP")]).writeto(tmp_path / "mine.fits")
    found = Reference("rscd", tmp_path / "mine.fits")
    assert found.read("rscd_group_skip_table")["group_skip"].tolist() == [3]
    rows, columns = found.columns("rscd_group_skip_table")
    assert (rows, list(columns)) == (1, ["subarray", "group_skip"])


def test_an_image_has_no_columns(tmp_path):
    with pytest.raises(ReferenceFileError, match=r"mine.fits: found data, which has no columns; expected a table"):
        reference(tmp_path, "gain", sci=ones()).columns("data")


@pytest.mark.parametrize("name", ["mine.fits", "mine.asdf"])
def test_a_pipe_is_not_waited_for(name, tmp_path):
    os.mkfifo(tmp_path / name)
    with pytest.raises(
        ReferenceFileError, match=f"{name}: cannot be read as .* \\(found a FIFO; expected a regular file\\)"
    ):
        Reference("gain", tmp_path / name)


LAUGHS = "a: &a [ha, ha, ha, ha, ha, ha, ha, ha, ha]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize("tree", [LAUGHS, "a: &a [1, *a]\n", "a: &a [*a, " + 100 * "[" + 100 * "]" + "]\n"], ids=len)
def test_a_tree_that_is_too_heavy_is_refused_at_once(tree, tmp_path):
    header = "#ASDF 1.0.0\n#ASDF_STANDARD 1.5.0\n%YAML 1.1\n%TAG ! tag:stsci.edu:asdf/\n--- !core/asdf-1.1.0\n"
    (tmp_path / "mine.asdf").write_text(f"{header}{tree}...\n")
    with pytest.raises(ReferenceFileError, match=r"mine.asdf: cannot be read as an ASDF data model \(found ") as caught:
        Reference("emicorr", tmp_path / "mine.asdf")
    assert len(str(caught.value)) < 1000


def test_an_asdf_reference_that_is_rewritten_meanwhile_stays_as_it_was(tmp_path):
    path = tmp_path / "mine.asdf"
    values = np.arange(4000.0).reshape(40, 100)
    asdf.AsdfFile({"meta": {}, "x": values}).write_to(path)
    found = Reference("emicorr", path)
    path.write_bytes(bytes(os.path.getsize(path)))
    np.testing.assert_array_equal(found.read("x"), values)


@pytest.mark.parametrize("error", [KeyError, IndexError, TypeError, ValueError, AttributeError, ZeroDivisionError])
def test_contents_that_a_step_cannot_use_are_named(error, tmp_path):
    found = reference(tmp_path, "gain", sci=ones())
    expected = r"gain reference .*mine\.fits: found contents that cannot be used \(.*x.*\); expected traces"
    with pytest.raises(ReferenceFileError, match=expected), contents_of(found, "traces"):
        raise error("x")
    with pytest.raises(ReferenceFileError, match=r"^as it is$"), contents_of(found, "traces"):
        raise ReferenceFileError("as it is")
