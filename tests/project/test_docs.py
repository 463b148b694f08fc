"""The documentation names what there is: a page for each step, links that lead somewhere, imports that work."""

import ast
import re
import runpy
import textwrap
import tomllib
from pathlib import Path

import click
import numpy as np
import pytest

from gpipe import DISTRIBUTION
from gpipe.pipeline.catalog import available

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
TARGET = r"(?:^|`)make (\w+)"
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def examples(page):
    """The Python examples of a page."""
    blocks = re.findall(r"^( *)```python\n(.*?)^ *```", page.read_text(), re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(block) for _, block in blocks]


def test_every_step_has_a_page_that_the_index_lists():
    steps = sorted(entry.name for entry in available() if entry.kind == "step" and entry.cls)
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
    named = set(re.findall(TARGET, README, re.MULTILINE))
    assert {"demo", "test", "parity"} <= named
    assert [name for name in named if not re.search(rf"^{name}:", rules, re.MULTILINE)] == []


def test_nothing_says_to_install_gpipe_by_its_name():
    """The name belongs to another project on PyPI."""
    by_name = re.compile(rf"pip install [\"']?{DISTRIBUTION}\b|install {DISTRIBUTION}\[")
    sources = [path for folder in ("gpipe", "backends", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    texts = {path: path.read_text() for path in [*PAGES, *sources]}
    assert [str(path.relative_to(ROOT)) for path, text in texts.items() if by_name.search(text)] == []


def test_extras_of_the_distribution_hold_what_hints_say_to_install():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert project["name"] == DISTRIBUTION
    assert {f"{DISTRIBUTION}[plot]"} == {
        need for needs in extras.values() for need in needs if need.startswith("gpipe")
    }
    hints = {"plot": "matplotlib", "cuda12": "cupy-cuda12x[ctk]", "cuda13": "cupy-cuda13x[ctk]", "later": "jwst>=3.0"}
    assert all(extras[extra][0].startswith(hint) for extra, hint in hints.items())
    sources = "".join(path.read_text() for folder in ("gpipe", "backends") for path in (ROOT / folder).rglob("*.py"))
    assert all(f"install {hint}" in sources for hint in hints.values() if hint != "cupy-cuda13x[ctk]")


@pytest.mark.parametrize("page", ["README.md", "docs/install.md"])
def test_extras_that_pages_name_exist(page):
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = {extra for text in re.findall(r"'\.\[([\w,]+)\]'", (ROOT / page).read_text()) for extra in text.split(",")}
    assert named
    assert named <= set(extras)


def test_figures_of_the_readme_are_those_of_the_benchmarks():
    measured = {}
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    row = r"^\| ([^|]+) \| ([^|]+) \| ([\d.]+) \| ([\d.]+)\*? \|"
    for case, figure, ours, theirs in re.findall(row, page, re.MULTILINE):
        measured.setdefault((case, figure), (float(ours), float(theirs)))  # the newest is first
    rows = re.findall(r"^\| (.+) \| (.+) s \| (.+) s \| (.+) s \| (.+) GB \| (.+) GB \|$", README, re.MULTILINE)
    assert len(rows) == 4
    for case, *figures in rows:
        ours, theirs = measured[case, "whole process [s]"]
        again = measured[case, "call in a running process [s]"][0]
        memory, memory_of_theirs = measured[case, "peak memory [MB]"]
        expected = [theirs, ours, again, memory_of_theirs / 1000, memory / 1000]
        assert figures == [f"{value:.1f}" for value in expected]


def test_the_page_of_a_command_has_its_options_and_the_commands_in_it():
    @click.group(help="Many *files*.")
    @click.option("--cluster", help="Where | to run.")
    def batch(cluster): ...

    @batch.command(help="Why it runs again.")
    @click.option("--json", is_flag=True, help="As JSON.")
    def why(json): ...

    page = runpy.run_path(str(ROOT / "docs" / "command_pages.py"))["page"](batch, "gpipe batch")
    assert page.startswith("# gpipe batch\n\nMany \\*files\\*.\n\n```\ngpipe batch [OPTIONS] COMMAND [ARGS]...\n```")
    assert "| `--json` | As JSON. |" in page.partition("## gpipe batch why")[2]
    assert r"| Where \| to run. |" in page
