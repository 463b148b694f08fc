"""What numba keeps on disk is found again, but not after a change of anything that kernels are made of."""

import inspect
import os
import subprocess
import sys

import pytest

pytest.importorskip("numba")
from gpipe.backends.kernels.cpu import compiling

MODULE = """
from gpipe.backends.kernels.cpu import compiling
from gpipe_test_helper import twice
@compiling.kernel
def double(x):
    return twice(x)
double(1.0)
print(sum(double.stats.cache_hits.values()), sum(double.stats.cache_misses.values()))
"""
HELPER = """
from gpipe.backends.kernels.cpu.compiling import helper
@helper
def twice(x):
    return {two} * x
"""


def run(folder, two=2, **environment):
    """Cache hits and misses of a new process that calls a kernel, which calls a helper of another module."""
    path = folder / "module.py"
    path.write_text(MODULE)
    (folder / "gpipe_test_helper.py").write_text(HELPER.format(two=two))
    more = {"PYTHONDONTWRITEBYTECODE": "1", **environment}
    ran = subprocess.run([sys.executable, path], capture_output=True, text=True, env=os.environ | more, check=True)
    return ran.stdout.split()


def test_a_kernel_is_compiled_once(tmp_path):
    assert run(tmp_path) == ["0", "1"]
    assert run(tmp_path) == ["1", "0"]


def test_a_change_of_a_helper_compiles_it_again(tmp_path):
    assert run(tmp_path, two=2) == ["0", "1"]
    assert run(tmp_path, two=3) == ["0", "1"]


def test_without_a_folder_to_write_to_it_is_compiled_each_time(tmp_path):
    """A file in the place of each folder that numba would take."""
    (tmp_path / "__pycache__").write_text("")
    (tmp_path / "home").write_text("")
    nowhere = {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "home")}
    assert run(tmp_path, **nowhere) == ["0", "1"]
    assert run(tmp_path, **nowhere) == ["0", "1"]


def test_a_read_only_package_uses_the_users_folder(tmp_path):
    (tmp_path / "__pycache__").write_text("")
    cache = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert run(tmp_path, **cache) == ["0", "1"]
    assert run(tmp_path, **cache) == ["1", "0"]
    assert any((tmp_path / "cache").rglob("*.nbc"))


def test_the_stamp_changes_with_what_is_imported_at_any_remove(monkeypatch):
    from gpipe.backends.kernels.cpu import jump

    read = []
    source = inspect.getsource
    monkeypatch.setattr(inspect, "getsource", lambda module: read.append(module.__name__) or source(module))
    assert compiling.sources.__wrapped__(jump.__name__) == compiling.sources(jump.__name__)
    for name in ("gpipe.dq", "gpipe.backends.kernels.cpu.tiles", "gpipe.jump.sigma_clip", "gpipe.arrays.ranking"):
        assert name in read
