"""The distributions: a source distribution, the wheel that is made from it, and one without a compiler."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
ASK = """
import logging, sys
logging.basicConfig(format="%(message)s")
sys.path[:0] = sys.argv[1:]
import gpipe.backends
from gpipe.kernels.native import library
print(gpipe.backends.__file__)
print(library.is_used())
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The source distribution, unpacked."""
    pytest.importorskip("scikit_build_core")
    folder = tmp_path_factory.mktemp("source")
    sources = folder / "sources"
    shutil.copytree(ROOT, sources, symlinks=True, ignore=shutil.ignore_patterns(".*", "build", "dist", "demo"))
    call(sources, "build_sdist", folder)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        # Python 3.11 has filters since 3.11.4; from 3.12 on it warns where none is named.
        archive.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    return next(folder.glob("gpipe-*/"))


def call(folder, function, *arguments, **environment):
    """Call the build backend of a folder, as pip and build do."""
    program = f"import sys, scikit_build_core.build as b; b.{function}(*sys.argv[1:])"
    subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        check=True,
    )


def wheel_of(source, folder, **environment):
    shutil.rmtree(source / "build", ignore_errors=True)  # CMake keeps the compiler that it found there
    call(source, "build_wheel", folder, **environment)
    return next(folder.glob("*.whl"))


def answer(wheel, folder, **environment):
    """Ask a process with only the wheel's gpipe for the folder of backends, and whether the library is used."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    others = [str(Path(np.__file__).parents[1])]
    without_site = [sys.executable, "-I", "-S", "-c", ASK, folder, *others]
    environment = {k: v for k, v in os.environ.items() if k != "GPIPE_NATIVE_LIBRARY"} | environment
    return subprocess.run(without_site, capture_output=True, text=True, env=environment, check=False)


def modules(folder):
    found = (Path(base, n) for base, _, names in os.walk(folder / "gpipe", followlinks=True) for n in names)
    return {str(path.relative_to(folder)) for path in found if path.suffix in (".py", ".cu", ".cuh", ".typed")}


def test_the_source_distribution_has_all_of_gpipe(source):
    assert modules(source) == modules(ROOT)
    assert not (source / "gpipe" / "backends").is_symlink()
    assert (source / "CMakeLists.txt").exists()
    assert (source / "gpipe" / "kernels" / "native" / "common.h").exists()


@pytest.mark.skipif(os.environ.get("GPIPE_NATIVE") != "1", reason="GPIPE_NATIVE=1 says that there is a compiler")
def test_a_wheel(source, tmp_path):
    wheel = wheel_of(source, tmp_path, GPIPE_REQUIRE_NATIVE="1")
    assert wheel.name.startswith("gpipe-")
    assert "-py3-none-" in wheel.name
    names = set(zipfile.ZipFile(wheel).namelist())
    assert modules(ROOT) <= names
    assert {"gpipe/kernels/native/libkernels.so", "gpipe/batch/event.schema.json"} <= names
    assert not [name for name in names if name.endswith((".c", ".h"))]
    said = answer(wheel, tmp_path / "installed", GPIPE_NATIVE="1")
    assert said.stdout.split() == [str(tmp_path / "installed" / "gpipe" / "backends" / "__init__.py"), "True"], (
        said.stderr
    )


def test_a_wheel_without_a_compiler(source, tmp_path):
    wheel = wheel_of(source, tmp_path, CC=str(tmp_path / "no-compiler"), GPIPE_REQUIRE_NATIVE="0")
    assert wheel.name.endswith("-py3-none-any.whl")
    said = answer(wheel, tmp_path / "installed", GPIPE_NATIVE="")
    assert said.stdout.split()[1:] == ["False"]
    assert said.stderr.count("portable functions do the work") == 1
    assert "it was installed without a compiler" in said.stderr
    said = answer(wheel, tmp_path / "installed", GPIPE_NATIVE="1")
    assert said.returncode
    assert "GPIPE_NATIVE=1: found no libkernels.so" in said.stderr


def test_a_compiler_can_be_demanded(source, tmp_path):
    with pytest.raises(subprocess.CalledProcessError):
        wheel_of(source, tmp_path, CC=str(tmp_path / "no-compiler"), GPIPE_REQUIRE_NATIVE="1")
