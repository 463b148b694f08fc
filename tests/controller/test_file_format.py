import os
from pathlib import Path

import asdf
import pytest

from gpipe.controller.parameters.file_format import Entry, read, write
from gpipe.exceptions import OutputError, ParameterError

HEADER = """#ASDF 1.0.0
#ASDF_STANDARD 1.5.0
%YAML 1.1
%TAG ! tag:stsci.edu:asdf/
--- !core/asdf-1.1.0
"""
BODY = """class: jwst.pipeline.calwebb_detector1.Detector1Pipeline
name: Detector1Pipeline
meta: {author: nobody}
history: {extensions: []}
parameters: {save_calibrated_ramp: true}
steps:
- class: jwst.jump.jump_step.JumpStep
  name: jump
  parameters: {rejection_threshold: 12.0}
"""
LEGACY = """parameters:
  class: jwst.pipeline.calwebb_detector1.Detector1Pipeline
  name: Detector1Pipeline
  save_calibrated_ramp: true
  steps:
    jump: {class: jwst.jump.jump_step.JumpStep, rejection_threshold: 12.0}
"""
JUMP = Entry("jwst.jump.jump_step.JumpStep", "jump", {"rejection_threshold": 12.0})
WHOLE = Entry(
    "jwst.pipeline.calwebb_detector1.Detector1Pipeline", "Detector1Pipeline", {"save_calibrated_ramp": True}, (JUMP,)
)


def write_text(text, name="my.asdf"):
    Path(name).write_text(text)
    return name


@pytest.mark.parametrize("text", [HEADER + BODY + "...\n", BODY, "---\n" + BODY, LEGACY, HEADER + LEGACY + "...\n"])
def test_asdf_plain_yaml_and_the_older_layout_say_the_same(text):
    assert read(write_text(text)) == WHOLE


def test_what_follows_the_tree_of_an_asdf_file_is_not_read():
    Path("my.asdf").write_bytes((HEADER + BODY + "...\n").encode() + b"\xd3BLK\x00\xff\xfe")
    assert read("my.asdf") == WHOLE


def test_what_asdf_writes_can_be_read():
    asdf.AsdfFile({"class": "jwst.jump.JumpStep", "parameters": {"skip": True, "x": None}}).write_to("my.asdf")
    assert read("my.asdf") == Entry("jwst.jump.JumpStep", None, {"skip": True, "x": None})


@pytest.mark.parametrize("text", ["", "steps:\n", "parameters:\n", "parameters: {}\nsteps: []\n"])
def test_an_empty_file_says_nothing(text):
    assert read(write_text(text)) == Entry(None, None, {}, ())


def test_cfg():
    text = """
    # a comment
    name = "mine"
    save_results = True   # yes
    output_dir = None
    [steps]
        [[jump]]
        rejection_threshold = 12
        algorithm = 'a # b'
        [[dark_current]]
        pair = 1, 2.5
    """
    steps = (
        Entry(None, "jump", {"rejection_threshold": "12", "algorithm": "a # b"}),
        Entry(None, "dark_current", {"pair": ["1", "2.5"]}),
    )
    assert read(write_text(text, "my.cfg")) == Entry(None, "mine", {"save_results": "True", "output_dir": None}, steps)


def test_cfg_with_steps_only():
    text = "[steps]\n[[jump]]\nrejection_threshold = 12"
    assert read(write_text(text)) == Entry(None, None, {}, (Entry(None, "jump", {"rejection_threshold": "12"}),))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("parameters: {a: 1\nsteps: 3", r"my\.asdf, line 2, column 6: not valid YAML"),
        ("a: [1,\n", r"my\.asdf, line 2, column 1: not valid YAML"),
        ("- 1\n- 2\n", r"my\.asdf: the file: found \[1, 2\], expected names with values"),
        ("just words", r"my\.asdf: the file: found 'just words', expected names with values"),
        ("parameters: 3", r"my\.asdf: parameters: found 3, expected names with values"),
        ("steps: 3", r"my\.asdf: steps: found 3, expected a list of steps"),
        ("steps: [{name: 3}]", r"my\.asdf: steps\[0\]\.name: found 3, expected text"),
        ("steps: [4]", r"my\.asdf: steps\[0\]: found 4, expected names with values"),
        ("[steps]\n[[jump]\nx = 1\n[other]\n", r"my\.asdf, line 4: found '\[other\]', expected"),
        ("a = 1\nnonsense\n", r"my\.asdf, line 2: found 'nonsense', expected"),
    ],
)
def test_what_is_wrong_is_one_line_with_the_file_and_the_place(text, expected):
    with pytest.raises(ParameterError, match=expected) as caught:
        read(write_text(text))
    assert "\n" not in str(caught.value)


def test_a_missing_file():
    with pytest.raises(ParameterError, match=r"^parameter file no\.asdf: no such file$"):
        read("no.asdf")


def test_not_text():
    Path("my.asdf").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ParameterError, match=r"^parameter file my\.asdf: cannot be read as text"):
        read("my.asdf")


LAUGHS = "a: &a [ha, ha, ha, ha, ha, ha, ha, ha, ha]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


HOSTILE = {
    "laughs": (
        LAUGHS,
        r"my\.asdf, line \d+, column \d+: not valid YAML \(found more than 1048576 characters with aliases",
    ),
    "cycle": ("a: &a [1, *a]", r"line 1, column 11: not valid YAML \(found 'a' inside itself"),
    "deep": ("a: " + 500 * "[", r"not valid YAML \(found more than 60 levels"),
    "deep blocks": ("- " * 500, r"not valid YAML \(found more than 60 levels"),
    "long": (
        "a: b\n" * (1 << 17),
        r"my\.asdf: cannot be read as text \(found more than 262144 bytes, expected fewer\)",
    ),
    "date": (
        "a: 2020-99-99",
        r"line 1, column 4: not valid YAML \(found '2020-99-99', which cannot be read as time",
    ),
    "int": ("a: !!int one", r"not valid YAML \(found 'one', which cannot be read as int\)"),
    "bool": ("a: !!bool perhaps", r"not valid YAML \(found 'perhaps', which cannot be read as bool\)"),
    "time": ("a: !!timestamp now", r"not valid YAML \(found 'now', which cannot be read as timestamp\)"),
    "digits": ("a: " + 5000 * "9", r"not valid YAML \(found '9+, which cannot be read as int\)"),
    "key": ("{[1]: 2}", r"not valid YAML \(found unhashable key\)"),
    "cfg value": ("[steps]\njump = 3\n[[jump]]\nskip = 1\n", r"my\.asdf, line 2: found 'jump = 3', expected"),
    "cfg spaces": ("x = 1\n[" + 5000 * " " + "x", r"my\.asdf, line 2: found '\[ +, expected"),
}


@pytest.mark.parametrize(("text", "expected"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_at_once(text, expected):
    with pytest.raises(ParameterError, match=expected) as caught:
        read(write_text(text))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_aliases_are_what_they_stand_for():
    text = "parameters: &these {a: &a [1, 2], b: *a}\nsteps:\n- {name: jump, parameters: *these}\n"
    assert read(write_text(text)) == Entry(
        None, None, {"a": [1, 2], "b": [1, 2]}, (Entry(None, "jump", {"a": [1, 2], "b": [1, 2]}),)
    )


def test_a_pipe_is_not_waited_for():
    os.mkfifo("my.asdf")
    with pytest.raises(
        ParameterError, match=r"my\.asdf: cannot be read as text \(found a FIFO; expected a regular file\)"
    ):
        read("my.asdf")


@pytest.mark.parametrize("path", [3, "a\0b", "a\ud800b", None, ["my.asdf"]])
def test_what_is_no_path(path):
    with pytest.raises(ParameterError, match=r"^parameter file: found .*, expected a path$"):
        read(path)


def test_a_tag_that_would_make_an_object_is_only_its_text():
    text = "parameters: {x: !!python/object/apply:os.system ['touch made']}"
    assert read(write_text(text)).values == {"x": ["touch made"]}
    assert not Path("made").exists()


def test_written_files_are_asdf_and_read_back():
    write("out.asdf", WHOLE)
    assert read("out.asdf") == WHOLE
    with asdf.open("out.asdf") as opened:
        assert opened["steps"][0]["name"] == "jump"
        assert "meta" not in opened


def test_written_metadata():
    write("out.asdf", WHOLE, include_metadata=True)
    with asdf.open("out.asdf") as opened:
        meta = dict(opened["meta"])
        assert meta["instrument"] == {"name": "<SPECIFY>"}
        assert meta["description"].endswith(WHOLE.class_name)
        assert {key for key, value in meta.items() if value == "<SPECIFY>"} == {
            "author",
            "origin",
            "pedigree",
            "reftype",
            "telescope",
            "useafter",
        }


def test_a_place_that_cannot_be_written_to():
    with pytest.raises(OutputError, match=r"nowhere/out\.asdf: cannot be written"):
        write("nowhere/out.asdf", WHOLE)
