"""Copies of jwst's tests, with the imports of jwst replaced by those of gpipe, where it has the name."""

import ast
import importlib
import importlib.util
import shutil
from pathlib import Path

from benchmarks.jwst_tests.functions import FUNCTIONS

STEPS = (
    "charge_migration",
    "clean_flicker_noise",
    "dark_current",
    "dq_init",
    "emicorr",
    "firstframe",
    "flatfield",
    "gain_scale",
    "group_scale",
    "ipc",
    "jump",
    "lastframe",
    "linearity",
    "persistence",
    "photom",
    "picture_frame",
    "ramp_fitting",
    "refpix",
    "reset",
    "rscd",
    "saturation",
    "superbias",
)
ROOMS = (*STEPS, "stpipe")
PARTS = {
    "background": ("background",),
    "lib": ("reffile_utils",),
    "pipeline": ("calwebb_dark", "calwebb_detector1", "calwebb_image2"),
}
"""Of rooms that are not of the first stage alone, the modules that are tested."""
COPIES = "tests_of_jwst"
NO_HEADER = "pytest_report_header"
"""The function of jwst's conftest.py that asks CRDS."""


def copy_tests(folder: Path, *, on_gpipe: bool) -> Path:
    """Copy the tests of the installed jwst as a package, and return its folder.

    ``on_gpipe`` False leaves the imports: the same tests on jwst, for comparison.
    """
    found = importlib.util.find_spec("jwst")
    if found is None or found.origin is None:
        raise SystemExit("jwst is not installed: its tests come with it (make jwst-tests installs it)")
    source, package = Path(found.origin).parent, folder / COPIES
    shutil.rmtree(package, ignore_errors=True)
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    for room in (*ROOMS, *PARTS):
        if (source / room / "tests").is_dir():
            _copy_room(source, room, package, on_gpipe=on_gpipe)
    conftest = ast.parse((source / "conftest.py").read_text())
    conftest.body = [node for node in conftest.body if getattr(node, "name", "") != NO_HEADER]
    (package / "conftest.py").write_text(ast.unparse(conftest))
    return package


def _copy_room(source: Path, room: str, package: Path, *, on_gpipe: bool) -> None:
    tests = package / room / "tests"
    shutil.copytree(source / room / "tests", tests, ignore=shutil.ignore_patterns("__pycache__"))
    (package / room / "__init__.py").touch()
    for path in tests.rglob("*.py"):
        wanted = PARTS.get(room)
        if wanted and path.name.startswith("test_") and path.stem.removeprefix("test_") not in wanted:
            path.unlink()
        elif on_gpipe:
            path.write_text(substituted(path.read_text(), is_test=path.name.startswith("test_")))
        else:
            path.write_text(_in_copies(path.read_text()))


def substituted(text: str, *, is_test: bool) -> str:
    """Replace imports of jwst by those of gpipe.

    A function inside a step becomes a call of gpipe's step where `FUNCTIONS` has it. Any other name of the first stage
    that gpipe lacks becomes an `Absent` in a test; a helper of tests keeps that of jwst. Constants, and names of other
    stages, stay jwst's, too.
    """
    tree = _Substitution(is_test=is_test).visit(ast.parse(_in_copies(text)))
    return ast.unparse(ast.fix_missing_locations(tree))


def _in_copies(text: str) -> str:
    """Name the tests that are copied as the copies are named."""
    for room in (*ROOMS, *PARTS):
        text = text.replace(f"jwst.{room}.tests", f"{COPIES}.{room}.tests")
    return text


class _Substitution(ast.NodeTransformer):
    def __init__(self, *, is_test: bool) -> None:
        self._is_test = is_test

    def visit_ImportFrom(self, node: ast.ImportFrom) -> list[ast.stmt]:
        package, module = (node.module or "").partition(".")[0], node.module or ""
        if package not in ("jwst", "stcal") or ".tests" in module:
            return [node]
        ours = module.replace("jwst", "gpipe", 1) if package == "jwst" else None
        return [statement for alias in node.names for statement in self._replaced(module, ours, alias)]

    def _replaced(self, module: str, ours: str | None, alias: ast.alias) -> list[ast.stmt]:
        whole, name = f"{module}.{alias.name}", alias.asname or alias.name
        if whole in FUNCTIONS:
            return ast.parse(f"from benchmarks.jwst_tests.functions import {FUNCTIONS[whole].__name__} as {name}").body
        if ours and means_the_same(module, alias.name) and is_there(ours, alias.name):
            return [ast.ImportFrom(ours, [alias], 0)]
        if not self._is_test or alias.name.isupper() or not is_of_first_stage(module):
            return [ast.ImportFrom(module, [alias], 0)]
        return ast.parse(f"from benchmarks.jwst_tests.absent import Absent\n{name} = Absent({whole!r})").body


def means_the_same(module: str, name: str) -> bool:
    """Tell whether gpipe's name is for what jwst has: within the folders of steps, only the steps are."""
    return module.removeprefix("jwst.").partition(".")[0] not in STEPS or name.lower().endswith("step")


def is_of_first_stage(module: str) -> bool:
    """Tell whether a module of jwst or stcal does what gpipe does."""
    package, room, inner, *_ = [*module.split("."), "", ""]
    return package == "stcal" or room in ROOMS or inner in PARTS.get(room, ())


def is_there(module: str, name: str) -> bool:
    """Tell whether a module of gpipe has a name that jwst's tests import."""
    try:
        found = importlib.import_module(module)
        if not hasattr(found, name):
            importlib.import_module(f"{module}.{name}")
    except ImportError:
        return False
    return True
