"""The library of kernels in C: where it is found, when it is used, and that another one is refused, not called."""

import _ctypes
import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers.in_c import kernel

from gpipe.backends import native
from gpipe.backends.numpy import NumpyBackend
from gpipe.exceptions import BackendError
from gpipe.kernels.native import library
from gpipe.rscd.flagging import flag_decay

KERNEL = kernel(flag_decay)


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """Nothing has been found, nor refused, yet; the processor's own library is not named."""
    monkeypatch.setattr(library, "load", functools.cache(library.load.__wrapped__))
    monkeypatch.setattr(library, "_refusals", [])


@pytest.fixture
def missing(monkeypatch, tmp_path):
    monkeypatch.setenv("GPIPE_NATIVE_LIBRARY", str(tmp_path / "none.so"))


def given():
    return NumpyBackend().native(flag_decay)


@pytest.mark.parametrize("value", ["1", "", " 1 "])
def test_it_is_used_where_it_is(value, monkeypatch):
    monkeypatch.setenv("GPIPE_NATIVE", value)
    assert given() is KERNEL
    assert library.load().variants


def test_portable_functions_on_request(monkeypatch):
    monkeypatch.setenv("GPIPE_NATIVE", "0")
    assert given() is flag_decay


def test_an_unknown_value_is_one_clear_line(monkeypatch):
    monkeypatch.setenv("GPIPE_NATIVE", "yes")
    with pytest.raises(BackendError, match=r"^GPIPE_NATIVE='yes' is not known; expected 0, 1 or nothing$"):
        given()


@pytest.mark.usefixtures("missing")
def test_without_a_library_portable_functions_do_the_work_and_the_log_says_so_once(monkeypatch, caplog):
    monkeypatch.delenv("GPIPE_NATIVE", raising=False)
    assert given() is flag_decay
    assert given() is flag_decay
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "portable functions do the work, which are slower" in caplog.text


@pytest.mark.usefixtures("missing")
def test_without_a_library_that_was_asked_for(monkeypatch):
    monkeypatch.setenv("GPIPE_NATIVE", "1")
    for _ in range(2):
        with pytest.raises(BackendError, match=r"^GPIPE_NATIVE=1: found no native kernels in .*none\.so"):
            given()


def test_a_file_that_is_none(tmp_path):
    (tmp_path / library.NAME).write_text("no library")
    with pytest.raises(BackendError, match="found no native kernels in"):
        library.Library(tmp_path / library.NAME)


def test_a_library_of_something_else():
    with pytest.raises(BackendError, match=r"found no native kernels in .* expected a library of gpipe"):
        library.Library(Path(_ctypes.__file__))


def test_other_sources(monkeypatch):
    if library.digest_of_sources() is None:
        pytest.skip("gpipe is no checkout")
    monkeypatch.setattr(library, "digest_of_sources", lambda: "0123456789")
    with pytest.raises(BackendError, match=r"^found native kernels of sources .*; expected 01234567: build it$"):
        library.load()


def test_another_interface(monkeypatch):
    monkeypatch.setattr(library, "INTERFACE", 7)
    with pytest.raises(BackendError, match=r"^found native kernels of interface 2 in .*; expected 7$"):
        library.load()


@pytest.mark.parametrize("value", ["1", ""])
def test_a_library_without_a_kernel_of_this_version(value, monkeypatch, caplog):
    def find(function, table):
        raise BackendError("kernel x: found void (int64_t n); expected void (double n)")

    monkeypatch.setattr(native, "find", find)
    monkeypatch.setenv("GPIPE_NATIVE", value)
    if value:
        with pytest.raises(BackendError, match=r"^GPIPE_NATIVE=1: kernel x: found void"):
            given()
        return
    assert given() is flag_decay
    assert not library.is_used()
    assert caplog.text.count("expected void (double n)") == 1


class Installed(SimpleNamespace):
    """Distribution with its origin and its files."""

    def read_text(self, name):
        assert name == "direct_url.json"
        return self.origin and json.dumps(self.origin)

    @classmethod
    def editable(cls, checkout, folder, editable=True):
        origin = {"url": checkout.as_uri(), "dir_info": {"editable": editable}}
        names = ["gpipe-1.dist-info/RECORD", f"gpipe/kernels/native/{library.NAME}"]
        files = [SimpleNamespace(name=Path(n).name, locate=lambda n=n: folder / n) for n in names]
        return cls(origin=origin, files=files)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout, and a folder of packages, with no library."""
    here = tmp_path / "checkout" / "gpipe" / "kernels" / "native"
    here.mkdir(parents=True)
    (tmp_path / "checkout" / "CMakeLists.txt").touch()
    monkeypatch.setattr(library, "HERE", here)
    monkeypatch.setattr(library, "CHECKOUT", tmp_path / "checkout")
    monkeypatch.setattr(library, "distributions", lambda name: [Installed(origin=None, files=None)])
    monkeypatch.delenv("GPIPE_NATIVE_LIBRARY", raising=False)
    return tmp_path / "checkout"


def put(path, age=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


def test_nowhere(checkout):
    with pytest.raises(
        BackendError, match=r"found no libkernels\.so of an editable installation of .*checkout, nor .*build"
    ):
        library.find()


def test_in_a_wheel_without_it(checkout):
    (checkout / "CMakeLists.txt").unlink()
    put(checkout / "build" / "native" / library.NAME)
    with pytest.raises(BackendError, match="it was installed without a compiler"):
        library.find()


def test_beside_the_package(checkout):
    beside = put(library.HERE / library.NAME, age=100)
    put(checkout / "build" / "native" / library.NAME)
    assert library.find() == beside


def test_of_an_editable_installation_or_built_by_hand_the_newest(checkout, tmp_path, monkeypatch):
    folder = tmp_path / "site-packages"
    by_hand = put(checkout / "build" / "native" / library.NAME, age=10)
    assert library.find() == by_hand
    older = Installed(origin=None, files=None)
    monkeypatch.setattr(library, "distributions", lambda name: [older, Installed.editable(checkout, folder)])
    assert library.find() == by_hand
    installed = put(folder / "gpipe" / "kernels" / "native" / library.NAME)
    assert library.find() == installed
    put(by_hand, age=-10)
    assert library.find() == by_hand


@pytest.mark.parametrize("kind", ["another checkout", "not editable", "not installed"])
def test_an_installation_of_something_else(kind, checkout, tmp_path, monkeypatch):
    put(tmp_path / "site-packages" / "gpipe" / "kernels" / "native" / library.NAME)
    where = tmp_path if kind == "another checkout" else checkout
    found = Installed.editable(where, tmp_path / "site-packages", editable=kind != "not editable")

    installed = [] if kind == "not installed" else [found]
    monkeypatch.setattr(library, "distributions", lambda name: installed)
    with pytest.raises(BackendError, match="found no"):
        library.find()


def test_functions_of_libm_and_of_threads_are_not_needed():
    """They would raise the glibc that is asked for."""
    if sys.platform != "linux" or shutil.which("nm") is None:
        pytest.skip("asks nm for what a library for Linux needs")
    path = library.load().path
    needed = subprocess.run(["nm", "-D", "--undefined-only", path], capture_output=True, text=True, check=True).stdout
    names = {line.split()[-1].split("@")[0] for line in needed.splitlines()}
    if any(name.startswith("__asan") for name in names):
        pytest.skip("a library with sanitizers")
    own = {name for name in names if not name.startswith("_")}
    assert own <= {"memcpy", "memmove", "memset", "pread", "pread64"}
