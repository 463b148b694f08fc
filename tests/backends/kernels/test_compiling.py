"""Kernels that were compiled are found again, but not after a change of anything that they are made of; how they are
called; what they are given."""

import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

pytest.importorskip("numba")
from gpipe.backends.kernels.cpu import arguments, compiling, jump, kept, machine_code, saturation

MODULE = dedent("""
    import sys
    import numpy as np
    from gpipe.backends.kernels.cpu import compiling
    from gpipe_test_helper import twice
    @compiling.kernel
    def double(x):
        x[0] = twice(x[0])
    x = np.ones(1)
    double(x)
    print(x[0], "compiled" if "numba" in sys.modules else "kept")
""")
HELPER = dedent("""
    from gpipe.backends.kernels.cpu.compiling import helper
    @helper
    def twice(x):
        return {two} * x
""")


def run(folder, two=2, **environment):
    """What a new process says that calls a kernel, which calls a helper of another module."""
    (folder / "gpipe_test_kernel.py").write_text(MODULE)
    (folder / "gpipe_test_helper.py").write_text(HELPER.format(two=two))
    more = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(folder), **environment}
    call = [sys.executable, "-c", "import gpipe_test_kernel"]
    ours = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    ran = subprocess.run(call, capture_output=True, text=True, env=ours | more, check=True)
    return ran.stdout.split()


def test_a_kernel_is_compiled_once(tmp_path):
    assert run(tmp_path) == ["2.0", "compiled"]
    assert run(tmp_path) == ["2.0", "kept"]


def test_a_change_of_a_helper_compiles_it_again(tmp_path):
    assert run(tmp_path, two=2) == ["2.0", "compiled"]
    assert run(tmp_path, two=3) == ["3.0", "compiled"]
    assert len(list(tmp_path.rglob("*.kernel"))) == 1


def test_without_a_folder_to_write_to_it_is_compiled_each_time(tmp_path):
    """A file in the place of each folder."""
    (tmp_path / "__pycache__").write_text("")
    (tmp_path / "home").write_text("")
    nowhere = {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "home")}
    assert run(tmp_path, **nowhere) == ["2.0", "compiled"]
    assert run(tmp_path, **nowhere) == ["2.0", "compiled"]


@pytest.mark.parametrize(
    ("environment", "inside"),
    [
        pytest.param({"XDG_CACHE_HOME": "cache"}, "cache/gpipe", id="XDG_CACHE_HOME"),
        pytest.param({"XDG_CACHE_HOME": "", "HOME": "."}, ".cache/gpipe", id="home"),
        pytest.param({"NUMBA_CACHE_DIR": "chosen"}, "chosen", id="NUMBA_CACHE_DIR"),
    ],
)
def test_a_read_only_package_uses_the_users_folder(environment, inside, tmp_path):
    (tmp_path / "__pycache__").write_text("")
    cache = {name: value and str(tmp_path / value) for name, value in environment.items()}
    assert run(tmp_path, **cache) == ["2.0", "compiled"]
    assert run(tmp_path, **cache) == ["2.0", "kept"]
    assert any((tmp_path / inside).rglob("*.kernel"))


def test_what_came_with_a_package_that_is_read_only_now_is_found(tmp_path):
    """As of a container image, whose users cannot write to it."""
    assert run(tmp_path) == ["2.0", "compiled"]
    (tmp_path / "__pycache__").chmod(0o500)
    assert run(tmp_path) == ["2.0", "kept"]


@pytest.mark.parametrize("left", [0, 10, -1])
def test_part_of_a_file_is_compiled_again(tmp_path, left):
    assert run(tmp_path) == ["2.0", "compiled"]
    (file,) = tmp_path.rglob("*.kernel")
    file.write_bytes(file.read_bytes()[:left])
    assert run(tmp_path) == ["2.0", "compiled"]
    assert run(tmp_path) == ["2.0", "kept"]


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path, monkeypatch, caplog):
    def full(path, data):
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(Path, "write_bytes", full)
    kernel = compiling.Kernel(any_in.function)
    assert kernel(np.array([True])) is True
    assert re.search(r"Kernel any_in is not kept: .*No space left", caplog.text)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_everybody_may_read_what_is_kept(tmp_path, monkeypatch):
    """Several people's processes share a folder of their cluster."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    before = os.umask(0o022)
    try:
        compiling.Kernel(any_in.function)(np.array([True]))
    finally:
        os.umask(before)
    (file,) = tmp_path.rglob("*.kernel")
    assert file.stat().st_mode & 0o777 == 0o644


def test_the_stamp_changes_with_what_is_imported_at_any_remove_and_with_numba(monkeypatch):
    read, stamp = [], kept.made_of.__wrapped__
    source = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda path, **how: read.append(path) or source(path, **how))
    assert stamp(jump.__name__) == kept.made_of(jump.__name__)
    for module in ("dq", "backends/kernels/cpu/tiles", "jump/sigma_clip", "arrays/ranking"):
        assert any(path.match(f"{module}.py") for path in read)
    assert any(path.match("kernels/cpu/numba_code.py") for path in read)
    monkeypatch.setattr(kept, "version", lambda name: f"{name} 0.1")
    assert stamp(jump.__name__) != kept.made_of(jump.__name__)


def test_other_arguments_than_those_that_it_was_compiled_for():
    seen, found = np.full((3, 4), 2, np.uint8), np.zeros((2, 3), np.int32)
    saturation.count_rows(seen, found)
    np.testing.assert_array_equal(found, [[4, 4, 4], [0, 0, 0]])
    for other in (seen.astype(np.int8), seen[0], seen[:, ::2], seen.T):
        with pytest.raises(TypeError, match=r"^expected a contiguous array of uint8 with 2 axes, found u?int8 of"):
            saturation.count_rows(other, found)
    for few_or_many in ((seen,), (seen, found, found)):
        with pytest.raises(ValueError, match="argument"):
            saturation.count_rows(*few_or_many)


@compiling.helper
def add(x, number):
    x[0] += number


@compiling.allocating
def copy_of(x):
    return x.copy()


@compiling.kernel
def add_all(x, numbers, flag):
    """Numbers are (number, (number, number))."""
    many = copy_of(x)
    add(many, numbers[0])
    add(many, numbers[1][0] if flag else numbers[1][1])
    x[0] = many[0]


@compiling.kernel
def any_in(x):
    return np.any(x)


@compiling.kernel
def take(size, out):
    out[:] = np.zeros(size, np.uint8)[:1]


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int32, np.int64], ids=lambda kind: kind.__name__)
def test_numbers_in_tuples(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    kernel = compiling.Kernel(add_all.function)
    for flag, total in ((True, 6), (False, 9)):
        x = np.ones(1, kind)
        kernel(x, (kind(1), (kind(4), kind(7))), flag)
        assert x[0] == total


def test_what_a_kernel_returns(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert any_in(np.array([False, True])) is True
    assert any_in(np.array([False, False])) is False


def test_a_number_with_a_fraction_is_not_cut_to_a_whole_one(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    kernel, out = compiling.Kernel(take.function), np.ones(1, np.uint8)
    kernel(np.int64(3), out)
    with pytest.raises(TypeError, match="integer"):
        kernel(3.5, out)


def test_memory_that_there_is_not(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    out = np.ones(1, np.uint8)
    take(3, out)
    assert out[0] == 0
    with pytest.raises(MemoryError, match="take"):
        take(1 << 62, out)


def test_code_without_its_function_is_told():
    saturation.count_rows(np.zeros((3, 4), np.uint8), np.zeros((2, 3), np.int32))
    code = kept.find(saturation.count_rows.function)
    with pytest.raises(ImportError, match=r"machine code .* has no function nothing"):
        machine_code.loaded(code._replace(symbol="nothing"))


WHOLE = np.arange(2 * 6 * 8 * 5, dtype=np.float32).reshape(2, 6, 8, 5)


@pytest.mark.parametrize(
    "index", [np.s_[:], np.s_[:, 2:], np.s_[:, 1::2], np.s_[..., 3:7, :], np.s_[1:, 1:4, 7:, :]], ids=str
)
@pytest.mark.parametrize("made_of", [(2, 6, 8, 5), (2, 6, 4, 2, 5), (480,)], ids=str)
def test_a_cut_with_all_columns_is_used_where_it_is(made_of, index):
    cut = WHOLE.reshape(made_of).copy().reshape(WHOLE.shape)[index]
    whole, corner = arguments.in_place(cut)
    assert np.shares_memory(whole, cut)
    assert whole.flags.c_contiguous
    assert not whole.flags.writeable
    here = tuple(slice(start, start + length) for start, length in zip(corner, cut.shape, strict=True))
    np.testing.assert_array_equal(whole[here], cut, strict=True)


@pytest.mark.parametrize("index", [np.s_[..., 1:], np.s_[..., ::2], np.s_[:, ::-1], np.s_[..., :0, :]], ids=str)
def test_other_cuts_are_copied(index):
    others = (np.broadcast_to(WHOLE[:, :1], WHOLE.shape), WHOLE.transpose(1, 0, 2, 3), WHOLE.swapaxes(2, 3))
    for cut in (WHOLE[index], *(other[index] for other in others)):
        found, corner = arguments.in_place(cut)
        assert found.flags.c_contiguous
        assert corner == (0, 0, 0, 0)
        np.testing.assert_array_equal(found, cut, strict=True)
