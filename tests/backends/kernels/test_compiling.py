"""What numba keeps on disk is found again, but not after a change of anything that kernels are made of."""

import inspect
import os
import subprocess
import sys

import numpy as np
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


WHOLE = np.arange(2 * 6 * 8 * 5, dtype=np.float32).reshape(2, 6, 8, 5)


@pytest.mark.parametrize(
    "index", [np.s_[:], np.s_[:, 2:], np.s_[:, 1::2], np.s_[..., 3:7, :], np.s_[1:, 1:4, 7:, :]], ids=str
)
@pytest.mark.parametrize("made_of", [(2, 6, 8, 5), (2, 6, 4, 2, 5), (480,)], ids=str)
def test_a_cut_with_all_columns_is_used_where_it_is(made_of, index):
    cut = WHOLE.reshape(made_of).copy().reshape(WHOLE.shape)[index]
    whole, corner = compiling.in_place(cut)
    assert np.shares_memory(whole, cut)
    assert whole.flags.c_contiguous
    assert not whole.flags.writeable
    here = tuple(slice(start, start + length) for start, length in zip(corner, cut.shape, strict=True))
    np.testing.assert_array_equal(whole[here], cut, strict=True)


@pytest.mark.parametrize("index", [np.s_[..., 1:], np.s_[..., ::2], np.s_[:, ::-1], np.s_[..., :0, :]], ids=str)
def test_other_cuts_are_copied(index):
    others = (np.broadcast_to(WHOLE[:, :1], WHOLE.shape), WHOLE.transpose(1, 0, 2, 3), WHOLE.swapaxes(2, 3))
    for cut in (WHOLE[index], *(other[index] for other in others)):
        found, corner = compiling.in_place(cut)
        assert found.flags.c_contiguous
        assert corner == (0, 0, 0, 0)
        np.testing.assert_array_equal(found, cut, strict=True)
