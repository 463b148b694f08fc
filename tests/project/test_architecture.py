"""The house's rules: imports only go down, CuPy stays in backends/, pure functions know arrays only."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GROUND = {"gpipe", "gpipe.exceptions", "gpipe.dq", "gpipe.imports"}
FLOORS = ("backends", "arrays", "functions", "kernels", "datamodels", "controller", "steps", "pipeline", "cli")
FLOOR_OF_PACKAGE = {
    "backends": "backends",
    "arrays": "arrays",
    "datamodels": "datamodels",
    "controller": "controller",
    "simulate": "datamodels",
    "pipeline": "pipeline",
    "quicklook": "pipeline",
    "cli": "cli",
}
PURE_MAY_IMPORT = {
    "array_api_compat",
    "array_api_extra",
    "bisect",
    "collections",
    "dataclasses",
    "enum",
    "functools",
    "itertools",
    "math",
    "typing",
}


def sources():
    for folder in ("gpipe", "backends"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            parts = parts if parts[0] == "gpipe" else ("gpipe", *parts)
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(sources())


def imports(path):
    """Absolute names that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_step_folder(package):
    return package not in FLOOR_OF_PACKAGE


def floor(module):
    parts = module.split(".")
    if module in GROUND or parts[0] != "gpipe":
        return None
    if parts[1:3] == ["backends", "kernels"] and len(parts) > 3:
        return FLOORS.index("kernels")
    if not is_step_folder(parts[1]):
        return FLOORS.index(FLOOR_OF_PACKAGE[parts[1]])
    is_step = len(parts) == 2 or parts[-1].endswith(("_step", "_host"))
    return FLOORS.index("steps" if is_step else "functions")


def pure_modules():
    return [name for name in MODULES if floor(name) in (FLOORS.index("functions"), FLOORS.index("arrays"))]


@pytest.mark.parametrize("name", MODULES)
def test_imports_only_go_down(name):
    here = floor(name)
    if here is None:
        return
    above = {i for i in imports(MODULES[name]) if i in MODULES and (floor(i) or 0) > here}
    assert not above, f"{name} ({FLOORS[here]}) imports from above: {above}"


@pytest.mark.parametrize("name", MODULES)
def test_cupy_is_imported_in_backends_only(name):
    found = {i for i in imports(MODULES[name]) if i.split(".")[0] in ("cupy", "cupyx", "cupy_backends")}
    assert not found or name.startswith("gpipe.backends"), f"{name} imports {found}"


@pytest.mark.parametrize("name", MODULES)
def test_the_peer_is_asked_in_one_module_only(name):
    found = {i for i in imports(MODULES[name]) if i.split(".")[0] in ("jwst", "stcal", "stpipe")}
    assert not found or name == "gpipe.datamodels.later_stages", f"{name} imports {found}"


def test_the_peer_is_imported_only_when_it_is_asked():
    tree = ast.parse(MODULES["gpipe.datamodels.later_stages"].read_text())
    at_once = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    at_once |= {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert not {name for name in at_once if name.split(".")[0] in ("jwst", "stcal", "stpipe")}


@pytest.mark.parametrize("name", pure_modules())
def test_pure_functions_know_arrays_only(name):
    foreign = {
        i
        for i in imports(MODULES[name])
        if i.split(".")[0] not in PURE_MAY_IMPORT | {"gpipe", "concurrent"}
        or (i in MODULES and not (floor(i) is None or floor(i) in (1, 2)))
    }
    assert not foreign, f"{name} is pure and imports {foreign}"


@pytest.mark.parametrize("name", [m for m in MODULES if m.startswith("gpipe.controller")])
def test_the_controller_knows_no_step_by_name(name):
    steps = {m.split(".")[1] for m in MODULES if m.count(".") >= 1 and is_step_folder(m.split(".")[1])}
    steps -= {"exceptions", "dq"}
    strings = {n.value for n in ast.walk(ast.parse(MODULES[name].read_text())) if isinstance(n, ast.Constant)}
    assert not strings & steps, f"{name} names {strings & steps}"


CREATORS = {"arange", "asarray", "empty", "eye", "full", "linspace", "ones", "zeros"}


@pytest.mark.parametrize("name", pure_modules())
def test_created_arrays_name_dtype_and_device(name):
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
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
        modules = [m.split(".")[2] for m in MODULES if m.startswith(f"gpipe.{folder}.")]
        assert any(m.endswith("_step") for m in modules), f"gpipe/{folder} has no *_step.py"
        assert any(not m.endswith("_step") for m in modules), f"gpipe/{folder} has no pure functions"
