"""Kernels that were compiled are found again, but not after a change of anything that they are made of; how they are
called; what they are given."""

import os
import py_compile
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

pytest.importorskip("numba")
from gpipe.exceptions import BackendError
from gpipe.kernels.cpu import arguments, compiling, jump, kept, machine_code, saturation

MODULE = dedent("""
    import sys
    import numpy as np
    from gpipe.kernels.cpu import compiling
    from gpipe_test_helper import twice
    @compiling.kernel
    def double(x):
        x[0] = twice(x[0])
    x = np.ones(1)
    double(x)
    print(x[0], "compiled" if "numba" in sys.modules else "kept")
""")
HELPER = dedent("""
    from gpipe.kernels.cpu.compiling import helper
    @helper
    def twice(x):
        return {two} * x
""")


def run(folder, two=2, **environment):
    """What a new process says that calls a kernel, which calls a helper of another module."""
    (folder / "gpipe_test_kernel.py").write_text(MODULE)
    (folder / "gpipe_test_helper.py").write_text(HELPER.format(two=two))
    return call(folder, **environment)


def call(folder, **environment):
    more = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(folder), **environment}
    ours = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    command = [sys.executable, "-c", "import gpipe_test_kernel"]
    ran = subprocess.run(command, capture_output=True, text=True, env=ours | more, check=True)
    return ran.stdout.split()


def test_a_kernel_is_compiled_once(tmp_path):
    assert run(tmp_path) == ["2.0", "compiled"]
    assert run(tmp_path) == ["2.0", "kept"]


def test_a_change_of_a_helper_compiles_it_again(tmp_path):
    assert run(tmp_path, two=2) == ["2.0", "compiled"]
    assert run(tmp_path, two=3) == ["3.0", "compiled"]
    assert len(list(tmp_path.rglob("*.kernel"))) == 1


def test_a_kernel_for_another_processor_is_compiled_beside_it(tmp_path):
    assert run(tmp_path) == ["2.0", "compiled"]
    assert run(tmp_path, NUMBA_CPU_NAME="generic") == ["2.0", "compiled"]
    assert run(tmp_path) == ["2.0", "kept"]
    assert run(tmp_path, NUMBA_CPU_NAME="generic") == ["2.0", "kept"]


def test_a_package_without_sources_keeps_nothing(tmp_path):
    assert run(tmp_path) == ["2.0", "compiled"]
    for kept_file in tmp_path.rglob("*.kernel"):
        kept_file.unlink()
    for name in ("gpipe_test_kernel", "gpipe_test_helper"):
        py_compile.compile(tmp_path / f"{name}.py", cfile=tmp_path / f"{name}.pyc", doraise=True)
        (tmp_path / f"{name}.py").unlink()
    for _ in range(2):
        assert call(tmp_path) == ["2.0", "compiled"]
    assert not list(tmp_path.rglob("*.kernel"))


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


def test_what_cannot_be_written_to_any_more_is_found(tmp_path, monkeypatch):
    """As of a container image, whose users cannot write to it."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert compiling.Kernel(any_in)(np.array([True])) is True
    monkeypatch.setattr(kept, "_writable", lambda places: None)
    monkeypatch.setattr(compiling.Kernel, "_compiled", None)
    kernel = compiling.Kernel(any_in)
    assert kernel.is_compiled()
    assert not kernel.can_be_kept()
    assert kernel(np.array([False])) is False


@pytest.mark.parametrize(
    "harmed",
    [lambda raw: b"", lambda raw: raw[:10], lambda raw: raw[:-1], lambda raw: raw[:-1] + b"?", lambda raw: b"[]\n"],
    ids=["empty", "head", "part", "changed", "no head"],
)
def test_part_of_a_file_is_compiled_again(tmp_path, harmed):
    assert run(tmp_path) == ["2.0", "compiled"]
    (file,) = tmp_path.rglob("*.kernel")
    file.write_bytes(harmed(file.read_bytes()))
    assert run(tmp_path) == ["2.0", "compiled"]
    assert run(tmp_path) == ["2.0", "kept"]


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path, monkeypatch, caplog):
    def full(path, data):
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(Path, "write_bytes", full)
    kernel = compiling.Kernel(any_in)
    assert kernel(np.array([True])) is True
    assert re.search(r"Kernel any_in is not kept: .*No space left", caplog.text)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_everybody_may_read_what_is_kept(tmp_path, monkeypatch):
    """Several people's processes share a folder of their cluster."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    before = os.umask(0o022)
    try:
        compiling.Kernel(any_in)(np.array([True]))
    finally:
        os.umask(before)
    (file,) = tmp_path.rglob("*.kernel")
    assert file.stat().st_mode & 0o777 == 0o644


def test_the_stamp_changes_with_what_is_imported_at_any_remove(monkeypatch):
    read = []
    source = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda path, **how: read.append(path) or source(path, **how))
    assert kept.made_of.__wrapped__(jump.__name__) == kept.made_of(jump.__name__)
    for module in ("dq", "kernels/cpu/tiles", "jump/sigma_clip", "arrays/ranking"):
        assert any(path.match(f"{module}.py") for path in read)
    assert any(path.match("kernels/cpu/numba_code.py") for path in read)


def test_without_sources_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(kept, "_source", lambda module: (_ for _ in ()).throw(ImportError(module)))
    monkeypatch.setattr(kept, "made_of", kept.made_of.__wrapped__)
    kernel = compiling.Kernel(any_in)
    assert not kernel.can_be_kept()
    assert kernel(np.array([True])) is True
    assert not list(tmp_path.rglob("*.kernel"))


@pytest.mark.parametrize("package", ["numba", "llvmlite"])
def test_other_versions_have_files_of_their_own(package, monkeypatch):
    machine, version = kept._machine(), kept.version
    monkeypatch.setattr(kept, "version", lambda name: "0.1" if name == package else version(name))
    assert kept._machine.__wrapped__() != machine


def test_what_numba_is_told_makes_other_files(monkeypatch):
    before = machine_code.machine()
    monkeypatch.setenv("NUMBA_OPT", "1")
    assert machine_code.machine() != before


@compiling.helper
def add(x, number):
    x[0] += number


@compiling.allocating
def copy_of(x):
    return x.copy()


def add_all(x, numbers, flag):
    """Numbers are (number, (number, number))."""
    many = copy_of(x)
    add(many, numbers[0])
    add(many, numbers[1][0] if flag else numbers[1][1])
    x[0] = many[0]


def any_in(x):
    return np.any(x)


def take(size, out):
    out[:] = np.zeros(size, np.uint8)[:1]


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """Makes a kernel of a function; none has been compiled."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    return compiling.Kernel


def test_each_type_of_arguments_has_code_of_its_own(fresh, tmp_path):
    """Whoever is first: the file of another type is not taken for one's own."""
    for made in (1, 2):
        kernel = fresh(add_all)
        for kind in (np.float32, np.float64, np.int32, np.int64):
            for flag, total in ((True, 6), (False, 9)):
                x = np.ones(1, kind)
                kernel(x, (kind(1), (kind(4), kind(7))), flag)
                assert x[0] == total
        assert len(list(tmp_path.rglob("*.kernel"))) == 4, made


def test_numbers_lose_no_digits(fresh):
    kernel, x = fresh(add_all), np.zeros(1)
    kernel(x, (np.float32(0.1), (np.float32(0), np.float32(0))), True)
    assert x[0] == np.float32(0.1)
    kernel(x, (0.1, (0.0, 0.0)), True)
    assert x[0] == float(np.float32(0.1)) + 0.1


def test_a_folder_of_others_is_passed_by(fresh, monkeypatch):
    def closed(path, pattern):
        raise PermissionError(path)

    monkeypatch.setattr(Path, "glob", closed)
    assert not fresh(any_in).is_compiled()


@pytest.mark.filterwarnings("ignore:future versions will not create a writeable array:FutureWarning")
def test_arrays_that_warn_before_they_are_written_to_count_as_read_only(fresh):
    """NumPy says of them that they can be written to, and that they are read-only."""
    x, _ = np.broadcast_arrays(np.ones(2, bool), np.ones((1, 2), bool))
    assert fresh(any_in)(x) is True


def test_other_arguments_where_nothing_compiles_are_a_clear_line(fresh, monkeypatch):
    kernel = fresh(any_in)
    kernel(np.ones(2, bool))
    monkeypatch.setattr(compiling, "can_compile", lambda: False)
    with pytest.raises(BackendError, match=r"^kernel any_in is not compiled for \('bool\[2\]',\)$"):
        kernel(np.ones((2, 2), bool))


def test_what_a_kernel_returns(fresh):
    kernel = fresh(any_in)
    assert kernel(np.array([False, True])) is True
    assert kernel(np.array([False, False])) is False


def test_memory_that_there_is_not(fresh):
    kernel, out = fresh(take), np.ones(1, np.uint8)
    kernel(3, out)
    assert out[0] == 0
    with pytest.raises(MemoryError, match="take"):
        kernel(1 << 62, out)


def test_what_is_read_only_is_not_written_to(fresh):
    kernel, out = fresh(take), np.ones(1, np.uint8)
    kernel(3, out)
    with pytest.raises(Exception, match="readonly"):
        kernel(3, arguments.frozen(out))


def test_code_that_only_reads_takes_arrays_of_both_kinds(fresh, tmp_path):
    kernel, x = fresh(any_in), np.array([True])
    assert kernel(arguments.frozen(x))
    assert kernel(x)
    assert len(list(tmp_path.rglob("*.kernel"))) == 1


@pytest.mark.parametrize(
    "other",
    [np.ones((3, 4), np.uint8)[:, ::2], np.ones((3, 4), np.uint8).T, np.ones(3, ">f4"), [1], "text"],
    ids=["gaps", "columns first", "byte order", "list", "text"],
)
def test_what_is_no_argument(fresh, tmp_path, other):
    with pytest.raises(TypeError, match=r"^found an argument of .*; kernels take contiguous arrays"):
        fresh(any_in)(other)
    assert not list(tmp_path.rglob("*.kernel"))


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x: np.random.random() > x[0], r"found calls of .*numba_get_np_random_state"),  # noqa: NPY002
        (lambda x: x[0], "found that it returns float64; expected a bool or nothing"),
    ],
    ids=["functions of numba", "a number"],
)
def test_what_cannot_run_without_numba_is_not_kept(fresh, tmp_path, function, said):
    with pytest.raises(BackendError, match=said):
        fresh(function)(np.ones(1))
    assert not list(tmp_path.rglob("*.kernel"))


def test_code_without_its_function_is_told():
    saturation.count_rows(np.zeros((3, 4), np.uint8), np.zeros((2, 3), np.int32))
    code = kept.find(saturation.count_rows.function, ("uint8[2]", "int32[2]"))
    with pytest.raises(ImportError, match=r"machine code .* has no function nothing"):
        machine_code.Loaded(code._replace(symbol="nothing"))


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
