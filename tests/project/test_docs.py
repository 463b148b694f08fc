"""The documentation names what there is: a page for each step, links that lead somewhere, imports that work."""

import ast
import re
import textwrap
from pathlib import Path

import numpy as np
import pytest

from gpipe.pipeline import Detector1Pipeline

ROOT = Path(__file__).parents[2]
TARGET = r"(?:^|`)make (\w+)"
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def examples(page):
    """The Python examples of a page."""
    blocks = re.findall(r"^( *)```python\n(.*?)^ *```", page.read_text(), re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(block) for _, block in blocks]


def test_every_step_has_a_page_that_the_index_lists():
    steps = sorted(Detector1Pipeline.step_defs)
    index = (ROOT / "docs" / "index.md").read_text()
    assert steps == sorted(page.stem for page in (ROOT / "docs" / "steps").glob("*.md"))
    assert steps == sorted(re.findall(r"^steps/(\w+)$", index, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_are_python_and_import_what_exists(page):
    for example in examples(page):
        for node in ast.walk(ast.parse(example)):
            # jwst is no dependency: an example may use it beside gpipe, where it is installed.
            if isinstance(node, ast.Import | ast.ImportFrom) and not ast.unparse(node).startswith("from jwst."):
                exec(ast.unparse(node), {})


def test_the_example_of_the_simulator_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (example,) = examples(ROOT / "docs" / "simulate.md")
    names = {}
    exec(example, names)
    # No reference pixels in this subarray: what its one output drifts stays in all rates.
    assert abs(np.nanmedian(names["difference"] / names["rate"].err)) < 0.5
    assert len(names["hits"]) > 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_named_files_exist(page):
    text = page.read_text()
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert [link for link in links if link and not (page.parent / link).exists()] == []
    named = re.findall(r"`((?:tests|docs|gpipe|backends|benchmarks)/[\w./]+)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_make_targets_that_the_readme_names():
    rules = (ROOT / "Makefile").read_text()
    named = set(re.findall(TARGET, (ROOT / "README.md").read_text(), re.MULTILINE))
    assert {"demo", "test", "parity"} <= named
    assert [name for name in named if not re.search(rf"^{name}:", rules, re.MULTILINE)] == []
