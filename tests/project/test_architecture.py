"""The house's rules: imports only go down and make no circle, rooms stay small, pure functions know arrays only."""

import ast
import graphlib
import os
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GROUND = {
    "gpipe",
    "gpipe.dq",
    "gpipe.exceptions",
    "gpipe.forks",
    "gpipe.imports",
    "gpipe.suffixes",
    "gpipe.thread_warnings",
    "gpipe.user_files",
    "gpipe.yaml_weight",
}
FLOORS = (
    "backends",
    "arrays",
    "coordinates",
    "functions",
    "kernels",
    "datamodels.exposures",
    "datamodels.files",
    "datamodels.references",
    ("datamodels", "associations"),
    "controller.parameters",
    "controller.declaration",
    "controller.display",
    ("controller.reporting", "controller.products", "controller.references", "controller.plan"),
    "controller.inputs",
    "controller.run",
    "controller.several",
    "controller.call",
    "controller.drop_in",
    "controller.step",
    "controller.pipeline",
    "controller",
    ("steps", "simulate", "lib"),
    ("pipeline", "quicklook"),
    "batch.files",
    "batch.choice",
    "references",
    ("batch", "demo"),
    ("cli", "installation"),
)
"""From the ground up; rooms in brackets stand side by side and do not import each other."""
FLOOR_OF = {room: k for k, rooms in enumerate(FLOORS) for room in ([rooms] if isinstance(rooms, str) else rooms)}
INFRASTRUCTURE = {
    "backends",
    "coordinates",
    "kernels",
    "datamodels",
    "associations",
    "controller",
    "lib",
    "simulate",
    "pipeline",
    "quicklook",
    "references",
    "batch",
    "demo",
    "cli",
    "installation",
}
SHARED_BY_STEPS = {"background_mask"}
"""Folders of functions that several steps share, without a Step."""
MOST_FILES, MOST_LINES, LONGEST_FUNCTION, LONGEST_LINE = 12, 450, 60, 120
LONGEST_STEP = 120
"""Lines of a file that holds a Step, beside those of the parameters."""
PURE_MAY_IMPORT = {
    "array_api_compat",
    "array_api_extra",
    "bisect",
    "collections",
    "contextvars",
    "dataclasses",
    "enum",
    "functools",
    "itertools",
    "math",
    "threading",
    "time",
    "typing",
}


def sources():
    found = (Path(folder, name) for folder, _, names in os.walk(ROOT / "gpipe", followlinks=True) for name in names)
    for path in sorted(path for path in found if path.suffix == ".py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(sources())


@cache
def tree(name):
    return ast.parse(MODULES[name].read_text())


@cache
def imports(name):
    """Modules that a module imports anywhere in it, in functions and under TYPE_CHECKING, too."""
    return imported_by(MODULES[name].read_text())


def imported_by(text):
    """Absolute names of the modules that a text imports: of ours those that hold the name that is imported."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import of {node.module}"
            named = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {one if one in MODULES else node.module for one in named}
    return found


def modules_of(name):
    """The modules of gpipe that a module imports."""
    return imports(name) & MODULES.keys()


def is_step_folder(package):
    return package not in INFRASTRUCTURE | {"arrays"}


def room(module):
    """The room of a module as FLOORS names it; None for the ground."""
    parts = module.split(".")
    if module in GROUND:
        return None
    if is_step_folder(parts[1]):
        is_step = len(parts) == 2 or parts[-1].endswith(("_step", "_host", "_exposure"))
        return "steps" if is_step else "functions"
    both = ".".join(parts[1:3])
    return both if both in FLOOR_OF else parts[1]


def floor(module):
    return FLOOR_OF.get(room(module))


def pure_modules():
    return [name for name in MODULES if floor(name) in (FLOOR_OF["functions"], FLOOR_OF["arrays"])]


@pytest.mark.parametrize("name", MODULES)
def test_imports_only_go_down(name):
    here = -1 if floor(name) is None else floor(name)
    known = {i for i in modules_of(name) if room(i) not in (None, room(name))}
    wrong = {i for i in known if floor(i) >= here}
    assert not wrong, f"{name} ({room(name)}) imports from above or from beside it: {wrong}"


def test_imports_make_no_circle():
    graph = {name: modules_of(name) for name in MODULES}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def test_nothing_imports_the_folder_backends_by_itself():
    """It would make a second set of its classes beside those of ``gpipe.backends``."""
    for folder in ("backends", "benchmarks", "docs", "gpipe", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            assert "backends" not in {name.split(".")[0] for name in imported_by(path.read_text())}, path


@pytest.mark.parametrize("name", MODULES)
def test_cupy_is_imported_in_its_rooms_only(name):
    found = {i for i in imports(name) if i.split(".")[0] in ("cupy", "cupyx", "cupy_backends")}
    assert not found or name.startswith(("gpipe.backends", "gpipe.kernels.cuda")), f"{name} imports {found}"


KNOW_WCS = ("gpipe.coordinates", "gpipe.assign_wcs", "gpipe.datamodels.files.wcs_tree")


@pytest.mark.parametrize("name", MODULES)
def test_a_wcs_is_known_in_its_rooms_only(name):
    found = {i for i in imports(name) if i.split(".")[0] == "gwcs" or i.startswith("astropy.modeling")}
    assert not found or name.startswith(KNOW_WCS), f"{name} imports {found}"


def test_infrastructure_folders_are_small():
    counts = {}
    for name in MODULES:
        path = MODULES[name]
        if name.split(".")[1:2] and name.split(".")[1] in INFRASTRUCTURE - {"simulate"} and path.stem != "__init__":
            counts[path.parent] = counts.get(path.parent, 0) + 1
    assert counts
    crowded = {str(folder.relative_to(ROOT)): count for folder, count in counts.items() if count > MOST_FILES}
    assert not crowded, f"more than {MOST_FILES} files in {crowded}"


@pytest.mark.parametrize("name", MODULES)
def test_modules_and_functions_are_short(name):
    assert len(MODULES[name].read_text().splitlines()) <= MOST_LINES
    long = {
        node.name: lines(node)
        for node in ast.walk(tree(name))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and lines(node) > LONGEST_FUNCTION
    }
    assert not long, f"{name}: functions of more than {LONGEST_FUNCTION} lines without docstring: {long}"


KERNELS = ROOT / "gpipe" / "kernels"
C_SOURCES = sorted([*(KERNELS / "native").rglob("*.[ch]"), *(KERNELS / "shared").glob("*.cuh")])


@pytest.mark.parametrize("path", C_SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_c_sources_and_their_functions_are_short(path):
    text = path.read_text()
    assert len(text.splitlines()) <= MOST_LINES
    assert max(map(len, text.splitlines())) <= LONGEST_LINE
    long = [
        body
        for body in re.findall(r"^\{\n.*?^\}$", text, re.DOTALL | re.MULTILINE)
        if body.count("\n") > LONGEST_FUNCTION
    ]
    assert not long, f"functions of more than {LONGEST_FUNCTION} lines: {long[0]}"


def test_rooms_of_native_kernels_are_small():
    counts = Counter(path.parent for path in (KERNELS / "native").rglob("*.*") if path.suffix != ".pyc")
    assert counts
    assert max(counts.values()) <= MOST_FILES + 1, "with __init__"


def lines(function):
    """Lines of a function, without those of its docstring."""
    first = function.body[0]
    has_docstring = ast.get_docstring(function, clean=False) is not None
    docstring = first.end_lineno - first.lineno + 1 if has_docstring else 0
    return function.end_lineno - function.lineno + 1 - docstring


@pytest.mark.parametrize("name", MODULES)
def test_a_module_named_step_holds_a_step(name):
    holds = any(
        isinstance(node, ast.ClassDef) and any(isinstance(base, ast.Name) and base.id == "Step" for base in node.bases)
        for node in tree(name).body
    )
    if name.startswith("gpipe.controller"):
        return
    assert holds == name.endswith("_step"), f"{name} {'holds a Step' if holds else 'holds no Step'}"


@pytest.mark.parametrize("name", [name for name in MODULES if name.endswith("_step")])
def test_a_step_is_short_beside_its_parameters(name):
    statements = [node for step in tree(name).body if isinstance(step, ast.ClassDef) for node in step.body]
    declared = [
        node for node in statements if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("p.")
    ]
    rest = len(MODULES[name].read_text().splitlines()) - sum(node.end_lineno - node.lineno + 1 for node in declared)
    assert rest <= LONGEST_STEP, f"{name}: {rest} lines beside its parameters; what holds no Step goes to _exposure.py"


@pytest.mark.parametrize("name", MODULES)
def test_the_peer_is_asked_in_one_module_only(name):
    found = {i for i in imports(name) if i.split(".")[0] in ("jwst", "stcal", "stpipe")}
    assert not found or name == "gpipe.background_mask.later_stages_exposure", f"{name} imports {found}"


def test_the_peer_is_imported_only_when_it_is_asked():
    body = tree("gpipe.background_mask.later_stages_exposure").body
    at_once = {alias.name for node in body if isinstance(node, ast.Import) for alias in node.names}
    at_once |= {node.module for node in body if isinstance(node, ast.ImportFrom)}
    assert not {name for name in at_once if name.split(".")[0] in ("jwst", "stcal", "stpipe")}


@pytest.mark.parametrize("name", pure_modules())
def test_pure_functions_know_arrays_only(name):
    allowed = {None, FLOOR_OF["arrays"], FLOOR_OF["coordinates"], FLOOR_OF["functions"]}
    libraries = {"astropy", "copy", "gwcs", "numpy", "re"} if name.startswith("gpipe.assign_wcs.") else set()
    allowed_names = PURE_MAY_IMPORT | libraries | {"gpipe", "concurrent"}
    foreign = {i for i in imports(name) if i.split(".")[0] not in allowed_names}
    foreign |= {i for i in modules_of(name) if floor(i) not in allowed}
    assert not foreign, f"{name} is pure and imports {foreign}"


@pytest.mark.parametrize("name", [m for m in MODULES if m.startswith("gpipe.controller")])
def test_the_controller_knows_no_step_by_name(name):
    steps = {m.split(".")[1] for m in MODULES if m.count(".") >= 1 and is_step_folder(m.split(".")[1])}
    steps -= {"exceptions", "dq"}
    strings = {n.value for n in ast.walk(tree(name)) if isinstance(n, ast.Constant)}
    assert not strings & steps, f"{name} names {strings & steps}"


CREATORS = {"arange", "asarray", "empty", "eye", "full", "linspace", "ones", "zeros"}


@pytest.mark.parametrize("name", pure_modules())
def test_created_arrays_name_dtype_and_device(name):
    for node in ast.walk(tree(name)):
        is_creator = (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "xp"
            and node.func.attr in CREATORS
        )
        if is_creator:
            missing = {"dtype", "device"} - {k.arg for k in node.keywords}
            assert not missing, f"{name}:{node.lineno} xp.{node.func.attr} does not name {missing}"


def test_a_step_folder_holds_a_step_and_pure_functions():
    folders = {m.split(".")[1] for m in MODULES if m.count(".") >= 2 and is_step_folder(m.split(".")[1])}
    for folder in folders:
        modules = [m for m in MODULES if m.startswith(f"gpipe.{folder}.")]
        has_step = any(m.endswith("_step") for m in modules)
        assert has_step == (folder not in SHARED_BY_STEPS), f"gpipe/{folder}: a *_step.py is {has_step}"
        assert any(floor(m) == FLOOR_OF["functions"] for m in modules), f"gpipe/{folder} has no pure functions"


def test_names_of_test_files_stand_alone():
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert names
    assert not {name for name in names if names.count(name) > 1}
