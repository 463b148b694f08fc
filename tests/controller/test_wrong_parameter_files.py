"""Any parameter file, right or wrong: it is used, or refused by one ParameterError that names it and stays short."""

import json
import random
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpipe.exceptions import ParameterError
from gpipe.pipeline import Detector1Pipeline

GOOD = """#ASDF 1.0.0
%YAML 1.1
%TAG ! tag:stsci.edu:asdf/
--- !core/asdf-1.1.0
class: jwst.pipeline.calwebb_detector1.Detector1Pipeline
name: Detector1Pipeline
parameters: &p {save_results: true, output_dir: null}
steps:
- class: jwst.jump.jump_step.JumpStep
  name: jump
  parameters: {rejection_threshold: 12.0, skip: false, maximum_cores: half, override_gain: my.fits}
- {name: refpix, parameters: *p}
...
"""
CFG = "name = 'mine'\nsave_results = True # yes\n[steps]\n[[jump]]\nrejection_threshold = 12\n[[refpix]]\nskip = no\n"
NAMES = ["class", "name", "parameters", "steps", "jump", "skip", "rejection_threshold", "override_gain", "config_file"]
PIECES = [
    *NAMES, "&a ", "*a", "*p", "!!int ", "!!set ", "!!omap ", "!!binary ", "<<: ", "? ", "- ", "[", "]", "{", "}", ": ",
    ", ", "\n", "\n  ", "'", '"', "|\n", "#", "%", "---", "...", "=", "[[", "]]", "[steps]", "2020-99-99", "1:99:99",
    ".inf", "-.nan", "0x", "0b2", "~", "\0", "é", "\ud7ff", "\t", "9" * 40, "null", "yes", "1e999",
]  # fmt: skip
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(PIECES)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | scalars, inner, max_size=4),
    max_leaves=8,
)
often = settings(
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("parameters") / "mine.asdf"


def is_used_or_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        Detector1Pipeline.from_config_file(path)
    except ParameterError as error:
        lines = str(error).split("\n")
        assert all("mine.asdf" in line and 0 < len(line) < 3000 for line in lines), lines
        assert all(
            "found" in line or "unknown name" in line or "valid YAML" in line or "read" in line for line in lines
        )
    assert [found.name for found in path.parent.iterdir()] == ["mine.asdf"]


@often
@given(seed=st.integers(0, 2**32), base=st.sampled_from([GOOD, CFG]))
def test_files_with_pieces_of_others_in_them(path, seed, base):
    rng = random.Random(seed)
    text = base
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(text) + 1)
        text = text[:place] + rng.choice(PIECES) + text[place + rng.choice([0, 0, 1, 5, 20]) :]
    is_used_or_refused(path, text.encode())


@often
@given(content=st.binary(max_size=60))
def test_files_of_any_bytes(path, content):
    is_used_or_refused(path, content)


@often
@given(tree=trees)
def test_files_of_any_tree(path, tree):
    is_used_or_refused(path, yaml.safe_dump(tree, allow_unicode=True).encode())


@often
@given(name=st.sampled_from(sorted(Detector1Pipeline.step_defs)), data=st.data())
def test_any_value_of_any_parameter(path, name, data):
    parameter = data.draw(st.sampled_from(sorted(Detector1Pipeline.step_defs[name].parameters())))
    value = data.draw(trees)
    is_used_or_refused(path, yaml.safe_dump({"steps": [{"name": name, "parameters": {parameter: value}}]}).encode())


def test_a_good_file_is_used(path):
    for content in (GOOD, CFG, json.dumps({"steps": [{"name": "jump", "parameters": {"rejection_threshold": 12}}]})):
        path.write_text(content)
        assert Detector1Pipeline.from_config_file(path).jump.rejection_threshold == 12
