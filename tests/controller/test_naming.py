"""Names of products: the measured cases of jwst 3.0.0 (2 to 64 of them), with what gpipe decided to do otherwise."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpipe.controller.products.naming import OutputSettings, named_path, output_folder, output_path
from gpipe.exceptions import ParameterError
from gpipe.suffixes import KNOWN_SUFFIXES, split_suffix, stem

J = "jw00001001001_01101_00001_nrcalong"
UNCAL = f"{J}_uncal.fits"


def name(own=None, *around, alias="group_scale", source=UNCAL, **product):
    """The path of a product as text, None where nothing is saved; settings as dictionaries, the step's own first."""
    levels = [OutputSettings(**settings) for settings in (own or {}, *around)]
    if not levels[0].saves:
        return None
    return str(output_path(levels, default_suffix=alias, input_name=source, **product))


SAVE = {"save_results": True}

# The name of a standalone step's file ends in its alias: where this table says _group_scale jwst has _groupscalestep.
STANDALONE = [
    # number in the list of measured cases, settings, file (None: nothing is written)
    ("1", {}, None),
    ("2", SAVE, f"{J}_group_scale.fits"),
    ("7", {**SAVE, "suffix": "xyz"}, f"{J}_xyz.fits"),
    ("8", {"suffix": "xyz"}, None),
    # jwst makes an empty folder; the user guide promises the file
    ("9", {"output_dir": "calibrated"}, f"calibrated/{J}_group_scale.fits"),
    ("10", {**SAVE, "output_dir": "a/b/c"}, f"a/b/c/{J}_group_scale.fits"),
    ("12 bare", {"output_file": "foo"}, "foo_group_scale.fits"),
    ("12 fits", {"output_file": "foo.fits"}, "foo_group_scale.fits"),
    ("12 asdf", {"output_file": "foo.asdf"}, "foo_group_scale.fits"),
    ("12 other", {"output_file": "foo.bar"}, "foo_group_scale.fits"),
    ("13", {"output_file": "foo.v1.fits"}, "foo.v1_group_scale.fits"),
    ("14", {"output_file": "foo_rate.fits"}, "foo_group_scale.fits"),
    ("15", {"output_file": "foo-rate.fits"}, "foo-group_scale.fits"),
    ("16", {"output_file": "foo_bar.fits"}, "foo_bar_group_scale.fits"),
    ("17", {"output_file": "foo_RATE"}, "foo_RATE_group_scale.fits"),
    ("18", {"output_file": "rate.fits"}, "rate_group_scale.fits"),
    # jwst drops the folder and leaves an empty one behind
    ("19", {"output_file": "sub/foo.fits"}, "sub/foo_group_scale.fits"),
    # jwst: od/foo_groupscalestep.fits and an empty sub/
    ("20", {"output_file": "sub/foo", "output_dir": "od"}, "od/sub/foo_group_scale.fits"),
    ("21", {"output_file": "/abs/x/foo.fits"}, "/abs/x/foo_group_scale.fits"),
    ("21 with output_dir", {"output_file": "/abs/x/foo.fits", "output_dir": "od"}, "/abs/x/foo_group_scale.fits"),
    # jwst: the name of the working directory; gpipe takes it as not set
    ("22", {**SAVE, "output_file": ""}, f"{J}_group_scale.fits"),
    ("23", {"output_file": "foo", "save_results": False}, "foo_group_scale.fits"),
    ("24 bare", {**SAVE, "output_ext": "asdf"}, f"{J}_group_scale.asdf"),
    ("24 dot", {**SAVE, "output_ext": ".asdf"}, f"{J}_group_scale.asdf"),
    ("26", {"output_file": "foo", "output_use_model": True}, f"{J}_group_scale.fits"),
    ("no extension of its own, the base's", {"output_file": "foo.asdf", "output_ext": None}, "foo_group_scale.asdf"),
    ("no extension anywhere", {"output_file": "foo", "output_ext": None}, "foo_group_scale.fits"),
    ("separator of the input is not that of output_file", {"output_file": "a-b"}, "a-b_group_scale.fits"),
    ("known suffix with a hyphen in it", {"output_file": "foo_ami-oi"}, "foo_group_scale.fits"),
    ("gzip", {"output_file": "foo.fits.gz"}, "foo_group_scale.fits"),
]


@pytest.mark.parametrize(("settings", "expected"), [pytest.param(*row[1:], id=row[0]) for row in STANDALONE])
def test_standalone_step(settings, expected):
    assert name(settings, model_name=UNCAL) == expected


INPUTS = [
    ("27", "mydata.fits", "mydata_group_scale.fits"),
    ("28", "mydata_UNCAL.fits", "mydata_UNCAL_group_scale.fits"),
    ("29", "mydata-uncal.fits", "mydata-group_scale.fits"),
    ("30", "my.data.v2_uncal.fits", "my.data.v2_group_scale.fits"),
    ("31", "in/mydata_uncal.fits", "mydata_group_scale.fits"),
    ("32", "mydata_ramp_uncal.fits", "mydata_ramp_group_scale.fits"),
    # jwst: mydata_uncal.fits_groupscalestep.fits
    ("33", "mydata_uncal.fits.gz", "mydata_group_scale.fits"),
    ("35", str(Path("in") / "mydata_uncal.fits"), "mydata_group_scale.fits"),
    # jwst: step_GroupScaleStep_groupscalestep.fits
    ("64", None, "step_group_scale.fits"),
    ("only a suffix", "_rate.fits", "_rate_group_scale.fits"),
]


@pytest.mark.parametrize(("source", "expected"), [pytest.param(*row[1:], id=row[0]) for row in INPUTS])
def test_name_of_the_input(source, expected):
    assert name(SAVE, source=source) == expected


# In a pipeline: own settings (of the pipeline, or of a step first and then the pipeline), alias, suffix of the product.
PIPELINE = [
    ("37", [{}], "detector1", "rate", None),
    ("38 rate", [SAVE], "detector1", "rate", f"{J}_rate.fits"),
    ("38 rateints", [SAVE], "detector1", "rateints", f"{J}_rateints.fits"),
    ("40 ramp", [SAVE], "detector1", "ramp", f"{J}_ramp.fits"),
    ("41", [{"output_file": "detector_1_final_result"}], "detector1", "rate", "detector_1_final_result_rate.fits"),
    ("42", [{"output_file": "final_rate.fits"}], "detector1", "rateints", "final_rateints.fits"),
    # jwst makes an empty folder; the user guide promises the file
    ("43", [{"output_dir": "calibrated"}], "detector1", "rate", f"calibrated/{J}_rate.fits"),
    ("44", [{"output_dir": "calibrated", **SAVE}], "detector1", "rateints", f"calibrated/{J}_rateints.fits"),
    ("45", [SAVE, {}], "saturation", None, f"{J}_saturation.fits"),
    ("46", [{"output_file": "saturation_result"}, {}], "saturation", None, "saturation_result_saturation.fits"),
    ("47", [{"output_dir": "calibrated"}, {}], "superbias", None, f"calibrated/{J}_superbias.fits"),
    ("48", [{"output_dir": "calibrated", **SAVE}, {}], "superbias", None, f"calibrated/{J}_superbias.fits"),
    # jwst writes nothing: the pipeline overwrites this step's folder with its own
    ("49", [{"output_dir": "calibrated"}, {}], "dark_current", None, f"calibrated/{J}_dark_current.fits"),
    ("50", [SAVE, {"output_dir": "top", **SAVE}], "superbias", None, f"top/{J}_superbias.fits"),
    ("51", [SAVE, {"output_file": "foo"}], "superbias", None, "foo_superbias.fits"),
    # the model's own name, which in the measured case is the input's
    (
        "52",
        [{**SAVE, "search_output_file": False}, {"output_file": "foo"}],
        "superbias",
        None,
        f"{J}_other_superbias.fits",
    ),
    ("53", [{**SAVE, "suffix": "zzz"}, {}], "superbias", None, f"{J}_zzz.fits"),
    ("54", [{**SAVE, "suffix": "zzz"}], "detector1", "rate", f"{J}_rate.fits"),
    ("a suffix of the pipeline reaches its steps", [SAVE, {"suffix": "zzz"}], "superbias", None, f"{J}_zzz.fits"),
    ("58", [{}, {}], "ramp_fit", "fitopt", None),
    ("59", [SAVE, {}], "gain_scale", "gain_scaleints", f"{J}_gain_scaleints.fits"),
    ("60 pipeline", [{**SAVE, "output_ext": "asdf"}], "detector1", "rate", f"{J}_rate.asdf"),
    ("60 step", [SAVE, {**SAVE, "output_ext": "asdf"}], "jump", None, f"{J}_jump.fits"),
    ("63", [{"output_file": "foo"}], "image2", "cal", "foo_cal.fits"),
    # folders: jwst looks no further than output_dir
    ("folder of the pipeline's file", [SAVE, {"output_file": "sub/foo"}], "jump", None, "sub/foo_jump.fits"),
    (
        "the step's own folder is closer than the pipeline's file",
        [{"output_dir": "mine"}, {"output_file": "/abs/foo"}],
        "jump",
        None,
        "mine/foo_jump.fits",
    ),
    (
        "the step's file counts from the pipeline's folder",
        [{"output_file": "sub/foo"}, {"output_dir": "top"}],
        "jump",
        None,
        "top/sub/foo_jump.fits",
    ),
    (
        "a pipeline in a pipeline",
        [SAVE, {}, {"output_file": "foo", "output_dir": "od"}],
        "jump",
        None,
        "od/foo_jump.fits",
    ),
]


@pytest.mark.parametrize(
    ("levels", "alias", "suffix", "expected"), [pytest.param(*row[1:], id=row[0]) for row in PIPELINE]
)
def test_in_a_pipeline(levels, alias, suffix, expected):
    assert name(*levels, alias=alias, suffix=suffix, model_name=f"{J}_other.fits") == expected


def test_numbers_tell_results_apart_before_the_suffix():
    """Case 57."""
    assert name(SAVE, {}, alias="ramp_fit", index=0) == f"{J}_0_ramp_fit.fits"
    assert name(SAVE, {}, alias="ramp_fit", index=1) == f"{J}_1_ramp_fit.fits"


def test_components_come_after_the_number_and_none_is_left_out():
    assert name(SAVE, index=2, components=["a3001", None, 7]) == f"{J}_2_a3001_7_group_scale.fits"


@pytest.mark.parametrize("settings", [{"output_use_model": True}, {"search_output_file": False}])
def test_named_after_the_model_there_is_no_number(settings):
    assert name({**SAVE, **settings}, index=1, model_name="other_cal.fits") == "other_group_scale.fits"


def test_a_model_without_a_name_is_named_after_the_input():
    assert name({**SAVE, "output_use_model": True}, model_name=None) == f"{J}_group_scale.fits"


def test_own_file_counts_where_no_other_is_searched_for():
    own = {"output_file": "mine", "search_output_file": False}
    assert name(own, {"output_file": "theirs"}, model_name="model.fits") == "mine_group_scale.fits"


def test_folder_expands_home_and_variables(monkeypatch):
    """Case 11."""
    monkeypatch.setenv("XX", "/data")
    monkeypatch.setenv("HOME", "/home/someone")
    assert name({"output_dir": "$XX/q"}) == f"/data/q/{J}_group_scale.fits"
    assert name({"output_dir": "~/q"}) == f"/home/someone/q/{J}_group_scale.fits"
    assert name({"output_file": "$XX/q/foo"}) == "/data/q/foo_group_scale.fits"


@pytest.mark.parametrize("ending", ["fits.gz", "json", ".gz"])
def test_a_file_type_that_cannot_be_written(ending):
    """Case 25."""
    with pytest.raises(ParameterError, match=rf"output_ext: found '{ending}', expected '.fits' or '.asdf'"):
        name({**SAVE, "output_ext": ending})


def test_default_suffix_is_lower_case_a_given_one_is_kept():
    assert name(SAVE, alias="Foo") == f"{J}_foo.fits"
    assert name({**SAVE, "suffix": "Foo"}) == f"{J}_Foo.fits"


@pytest.mark.parametrize(
    ("levels", "given", "expected"),
    [
        ([{}], "mydark.fits", "mydark.fits"),
        ([{}], "mydark_rate", "mydark_rate.fits"),
        ([{}], "sub/mydark.v1.fits", "sub/mydark.v1.fits"),
        ([{"output_dir": "od"}], "mydark.fits", "od/mydark.fits"),
        ([{}, {"output_dir": "od"}], "sub/mydark.fits", "od/sub/mydark.fits"),
        ([{"output_dir": "od"}], "/abs/mydark.fits", "/abs/mydark.fits"),
        ([{"output_ext": "asdf"}], "mydark.fits", "mydark.asdf"),
    ],
)
def test_a_product_named_in_full(levels, given, expected):
    assert str(named_path([OutputSettings(**settings) for settings in levels], given)) == expected


@pytest.mark.parametrize(("_id", "levels", "alias", "suffix", "expected"), [r for r in PIPELINE if r[-1]])
def test_folder_is_known_before_any_product(_id, levels, alias, suffix, expected):
    assert output_folder([OutputSettings(**settings) for settings in levels]) == Path(expected).parent


def test_known_suffixes_are_complete():
    assert len(KNOWN_SUFFIXES) == 159
    for kept in ("fitopt", "trapsfilled", "gain_scaleints", "charge_migration", "barshadow"):
        assert split_suffix(f"x_{kept}") == (f"x_{kept}", "_")


def test_the_longest_suffix_is_stripped():
    assert split_suffix("x_dark_current") == ("x", "_")
    assert split_suffix("x-ami-oi") == ("x", "-")


@given(st.sampled_from(sorted(KNOWN_SUFFIXES)), st.sampled_from("_-"))
def test_every_known_suffix_is_replaced_and_its_separator_used_again(known, separator):
    source = f"data{separator}{known}.fits"
    assert name(SAVE, source=source, suffix="new") == f"data{separator}new.fits"


@given(st.text("ab_-.", min_size=1, max_size=12))
def test_a_product_of_a_product_is_named_like_a_product_of_the_input(base):
    """However often a file is processed, its name does not grow."""
    once = name(SAVE, source=f"x{base}.fits", alias="rate")
    assert name(SAVE, source=once, alias="rate") == name(SAVE, source=once, alias="rate", suffix="rate")
    root, separator = split_suffix(stem(once))
    assert once == f"{root}{separator}rate.fits"


@pytest.mark.parametrize("suffix", ["a/b", "../x", "/tmp/x"])
def test_a_suffix_is_no_folder(suffix):
    with pytest.raises(ParameterError, match=r"^suffix: found .* expected an end of a name, without a folder$"):
        output_path([OutputSettings(suffix=suffix)], default_suffix="jump", input_name="jw01_uncal.fits")
