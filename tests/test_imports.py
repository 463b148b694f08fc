"""Deferred modules get their usual content, for every importer; the garbage collector is on again afterwards."""

import gc
import importlib
import itertools
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from gpipe.imports import collector_at_rest, deferred, without_instances

NUMBERS = itertools.count()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The name of a package that imports ``part``, which costs, and ``circular``; ``light`` imports neither."""
    name = f"some_package_{next(NUMBERS)}"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text(
        f"'''Said.'''\nfrom {name}.part import value\nimport {name} as itself\n"
        f"from {name}.circular import last\n__all__ = ['value']\n"
    )
    (tmp_path / name / "circular.py").write_text(f"from {name} import value\nlast = 3\n")
    (tmp_path / name / "part.py").write_text("value = [1]\n")
    (tmp_path / name / "light.py").write_text(f"import {name} as parent\nown = 2\n")
    monkeypatch.syspath_prepend(tmp_path)
    return name


def put_off(package):
    with deferred(package):
        return importlib.import_module(package)


def ran(package):
    return f"{package}.part" in sys.modules


def test_a_module_inside_is_imported_without_its_package(package):
    with deferred(package):
        light = importlib.import_module(f"{package}.light")
        module = importlib.import_module(package)
    assert light.own == 2
    assert module.light is light
    assert light.parent is module
    assert not ran(package)


@pytest.mark.parametrize(
    "use",
    [
        lambda module: module.value,
        lambda module: module.__all__,
        lambda module: "value" in dir(module) or pytest.fail("an attribute is missing"),
        lambda module: importlib.import_module(f"{module.__name__}.part"),
        lambda module: importlib.import_module(f"{module.__name__}.circular"),
        lambda module: importlib.import_module(module.__name__),
        lambda module: exec(f"from {module.__name__} import *"),
    ],
)
def test_what_is_asked_for_is_there_and_the_package_what_it_would_have_been(package, use):
    with deferred(package):
        light = importlib.import_module(f"{package}.light")
        module = importlib.import_module(package)
    assert use(module) is not False
    assert module.value == [1]
    for part in ("part", "circular"):
        assert getattr(module, part) is importlib.import_module(f"{package}.{part}") is sys.modules[f"{package}.{part}"]
    assert (module.value, module.last) == (module.part.value, 3)
    assert importlib.import_module(package) is module is module.itself
    assert type(module) is type(sys)
    assert (module.__doc__, module.light) == ("Said.", light)
    assert type(module.__loader__) is type(module.__spec__.loader) is type(light.__loader__)


def test_what_does_not_exist_is_told_as_usual(package):
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'missing'"):
        put_off(package).missing  # noqa: B018
    with pytest.raises(ImportError, match="missing"):
        exec(f"from {package} import missing")


def test_questions_that_are_asked_of_every_module_do_not_run_it(package):
    module = put_off(package)
    assert not hasattr(module, "__warningregistry__")
    assert module.__file__.endswith("__init__.py")
    assert not ran(package)


def test_a_package_that_fails_fails_when_it_is_used_and_can_be_used_again(package, tmp_path):
    part = tmp_path / package / "part.py"
    part.write_text("raise ImportError('not today')\n")
    module = put_off(package)
    with pytest.raises(ImportError, match="not today"):
        module.value  # noqa: B018
    part.write_text("value = [1]  # of another size, so that it is compiled again\n")
    importlib.invalidate_caches()
    assert module.value == [1]


def test_nothing_is_of_a_class_that_nobody_has_imported(package, tmp_path):
    (tmp_path / package / "part.py").write_text("value = list\n")
    with without_instances(package, "value"):
        stands_in = importlib.import_module(package).value
        assert not isinstance([], stands_in)
        assert not ran(package)
        elsewhere = []
        thread = threading.Thread(target=lambda: elsewhere.append(importlib.import_module(package).value))
        thread.start()
        thread.join()
    assert elsewhere == [list]


def test_what_is_there_already_keeps_its_classes(package):
    module = importlib.import_module(package)
    with without_instances(package, "value"):
        assert importlib.import_module(package) is module
        assert module.value == [1]


def test_classes_are_what_they_are_after_the_block_and_those_not_named_within(package):
    with without_instances(package, "value"):
        module = importlib.import_module(package)
        assert module.value != [1]
    assert not ran(package)
    assert module.value == [1]
    with pytest.raises(ImportError, match="missing"), without_instances(package, "other"):
        exec(f"from {package} import missing")


def test_threads_that_ask_at_once_get_it(package, tmp_path):
    (tmp_path / package / "part.py").write_text("import time\ntime.sleep(0.05)\nvalue = [1]\n")
    module, found = put_off(package), []
    threads = [threading.Thread(target=lambda: found.append(module.value)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[1]] * 4


def test_what_is_asked_for_within_the_block_is_there(package):
    with deferred(package):
        module = importlib.import_module(package)
        assert module.value == [1]
    assert importlib.import_module(package) is module


def test_a_module_that_is_put_off_again_is_the_same(package):
    module = put_off(package)
    with suppress(ValueError), deferred(package), deferred(package):
        importlib.import_module(f"{package}.light")
        raise ValueError
    assert module.light.own == 2
    assert put_off(package) is module
    assert not ran(package)
    assert importlib.import_module(package) is module
    assert ran(package)
    assert put_off(package).value == [1]


def test_other_modules_and_those_imported_already_are_left_alone(package):
    module = importlib.import_module(package)
    assert put_off(package) is module
    assert type(module) is type(sys)
    with deferred("some_package_that_is_not_there"), pytest.raises(ModuleNotFoundError):
        importlib.import_module("some_package_that_is_not_there")


@pytest.fixture
def collecting():
    before = gc.isenabled()
    yield
    (gc.enable if before else gc.disable)()


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_rests_within_the_block_and_is_afterwards_as_it_was(collecting, enabled):
    (gc.enable if enabled else gc.disable)()
    seen = []
    with suppress(ValueError), collector_at_rest():
        seen.append(gc.isenabled())
        raise ValueError
    assert (seen, gc.isenabled()) == ([False], enabled)


def test_garbage_of_the_block_is_found_later_and_what_others_froze_stays_frozen(collecting):
    class Thing:
        alive = True

        def __del__(self):
            Thing.alive = False

    gc.enable()
    with collector_at_rest():
        thing = Thing()
        thing.itself = thing
        del thing
    assert gc.get_freeze_count() == 0
    gc.collect()
    assert not Thing.alive
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        with collector_at_rest():
            sys.modules["something_new_for_gpipe"] = sys
        assert gc.get_freeze_count() >= frozen > 0
    finally:
        gc.unfreeze()
        sys.modules.pop("something_new_for_gpipe", None)


@pytest.mark.parametrize("made", [True, False])
def test_what_is_made_with_modules_is_old_at_once(made, collecting, monkeypatch):
    gc.enable()
    gc.collect()
    with collector_at_rest():
        if made:
            monkeypatch.setitem(sys.modules, "something_new_for_gpipe", sys)
        new = [[]]
    assert any(x is new for x in gc.get_objects(2)) == made
    assert gc.get_freeze_count() == 0


def test_packages_that_a_calibration_has_put_off_work_as_usual(tmp_path):
    program = """
import sys
import gpipe.backends
from gpipe.datamodels.files.jwst_models import model_class
from gpipe.datamodels.files.metadata import new_model
from gpipe.datamodels.files.writing import write
gpipe.backends.get("numpy")
ramp = model_class("RampModel")
model = new_model(ramp)
model.group = model.get_default("group")
write(model, sys.argv[1])
heavy = {"scipy", "astropy.modeling", "astropy.table", "astropy.coordinates", "numpy.f2py.crackfortran"}
heavy |= {"numpy.random.mtrand", "numpy.polynomial.chebyshev"}
assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()
import astropy.nddata, numpy as np
assert astropy.nddata.bitmask.interpret_bit_flags(4) == 4
assert astropy.nddata.CCDData(np.ones((2, 2)), unit="adu").shape == (2, 2)
np.testing.assert_array_equal([1], [1])
assert isinstance(np.random.default_rng(1).normal(), float)
from numpy.polynomial import Polynomial
assert np.ctypeslib.as_array and np.polynomial.Polynomial is Polynomial
from numpy.f2py import run_main
import numpy.f2py.crackfortran
from astropy.table import Table
assert len(Table.read(sys.argv[1], hdu="ASDF")) == 1
from stdatamodels.jwst import datamodels
assert datamodels.RampModel is ramp and datamodels.open and len(datamodels.__all__) > 100
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program, tmp_path / "some.fits"], check=True)


def test_a_name_that_the_package_lacks_tells_where_it_is():
    import gpipe

    for name, told in {"Image3Pipeline": r"from jwst\.pipeline import Image3", "JumpStep": r"from gpipe\.step"}.items():
        assert not hasattr(gpipe, name)
        with pytest.raises(AttributeError, match=told):
            getattr(gpipe, name)
