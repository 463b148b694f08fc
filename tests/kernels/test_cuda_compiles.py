"""Every CUDA source compiles for the GPUs in use, with the compiler that CuPy uses; no GPU is needed for it."""

import ctypes
import importlib
import importlib.util
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from gpipe.backends import native
from gpipe.kernels.cuda import sources

ARCHITECTURES = ("sm_80", "sm_90")
OF_CUPY = ("-ftz=true", "--device-as-default-execution-space")
"""Options that CuPy adds to those of a module."""


@pytest.fixture(scope="module")
def nvrtc():
    """The compiler of the package nvidia-cuda-nvrtc."""
    found = importlib.util.find_spec("nvidia")
    folders = [] if found is None else [Path(folder) for folder in found.submodule_search_locations]
    libraries = sorted(path for folder in folders for path in folder.glob("*/lib/libnvrtc.so.*"))
    if not libraries:
        assert sys.platform != "linux", "nvidia-cuda-nvrtc is missing; install nvidia-cuda-nvrtc"
        pytest.skip("nvidia-cuda-nvrtc is for Linux")
    return ctypes.CDLL(str(libraries[0]))


def compile_with(nvrtc, name, architecture):
    """Compile a program for a GPU; also return the messages of the compiler."""
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    all_options = (*sources.OPTIONS, *OF_CUPY, f"-arch={architecture}")
    options = [option.encode() for option in all_options]
    nvrtc.nvrtcCreateProgram(ctypes.byref(program), sources.text(name).encode(), f"{name}.cu".encode(), 0, None, None)
    nvrtc.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, log)
    nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size))
    cubin = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetCUBIN(program, cubin)
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    return cubin.raw, log.value.decode()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", sources.NAMES)
def test_compiles_without_a_word(nvrtc, name, architecture):
    cubin, log = compile_with(nvrtc, name, architecture)
    assert log == ""
    assert cubin.startswith(b"\x7fELF")


def test_sources_are_part_of_the_distribution():
    """All files of gpipe are part, except excluded ones."""
    folder = Path(sources.__file__).parent
    settings = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["tool"]["scikit-build"]
    assert settings["wheel"]["packages"] == ["gpipe"]
    files = [path for path in folder.iterdir() if path.is_file() and path.suffix != ".py"]
    assert files
    assert not any(path.match(pattern) for pattern in settings["wheel"]["exclude"] for path in files)


def test_every_source_is_named():
    folder = Path(sources.__file__).parent
    assert {path.stem for path in folder.glob("*.cu")} == set(sources.NAMES)


@pytest.mark.parametrize(("function", "module"), native.CUDA.items())
def test_every_kernel_stands_beside_its_function(function, module):
    """Both exist, and take the same arguments."""
    portable = importlib.import_module(function.rpartition(".")[0])
    ours = importlib.import_module(f"gpipe.kernels.{module}")
    name = function.rpartition(".")[2]
    assert native.find(getattr(portable, name), native.CUDA) is getattr(ours, name)
    assert getattr(ours, name).__annotations__ == getattr(portable, name).__annotations__
    assert "cupy" not in ours.__dict__


def test_numbers_of_values_have_a_version():
    like = np.zeros(1, np.float32)
    versions = {n: sources.version_for(n, 1000, like=like) for n in (0, 1, 8, 9, 16, 17, 32, 33)}
    assert [v.suffix for v in versions.values()] == ["8", "8", "8", "16", "16", "32", "32", "any"]
    assert [v.scratch is None for v in versions.values()] == [True] * 7 + [False]


@pytest.mark.parametrize("pixels", [1, 1000, 1 << 22])
def test_scratch_memory_serves_all_threads_but_no_more_than_there_are(pixels):
    version = sources.version_for(33, pixels, like=np.zeros(1, np.float32))
    started = -(-version.threads // sources.BLOCK) * sources.BLOCK
    assert version.scratch.shape == (33, started)
    assert version.threads == min(pixels, sources.SCRATCH_THREADS)
