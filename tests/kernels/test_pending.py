"""When kernels are compiled: later by a process of its own, now, or never; and that one does what it should."""

import os
import re
import subprocess
import sys

import pytest

from gpipe.backends import native, pending
from gpipe.backends.numpy import NumpyBackend
from gpipe.exceptions import BackendError
from gpipe.jump.detection import flag_jumps

pytest.importorskip("numba")
from gpipe.kernels.cpu import compile as compiler
from gpipe.kernels.cpu import compiling

KERNEL = native.find(flag_jumps, native.CPU)


class Process:
    """A process that runs until it is given an exit status."""

    status = None

    def __init__(self, command, **options):
        self.command, self.options = command, options

    def poll(self):
        return self.status


@pytest.fixture
def started(monkeypatch):
    """Processes that have been started; no kernel is compiled yet, and there is a folder for them."""
    processes = []
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: processes.append(Process(*a, **k)) or processes[-1])
    monkeypatch.setattr(compiling, "are_compiled", lambda module: False)
    monkeypatch.setattr(compiling.Kernel, "can_be_kept", lambda kernel: True)
    monkeypatch.setattr(pending, "_ready", set())
    monkeypatch.setattr(pending, "_compiler", [])
    monkeypatch.setenv("GPIPE_COMPILE", "later")
    return processes


def given():
    return NumpyBackend().native(flag_jumps)


def test_by_default_portable_functions_do_the_work_until_one_process_has_compiled(started, monkeypatch, caplog):
    monkeypatch.delenv("GPIPE_COMPILE")
    with caplog.at_level("INFO", logger="gpipe"):
        assert given() is flag_jumps
        assert given() is flag_jumps
    assert [process.command[1:] for process in started] == [["-P", "-m", pending.COMPILE_ALL]]
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert "until then portable functions" in caplog.text
    monkeypatch.setattr(compiling, "are_compiled", lambda module: module == KERNEL.__module__)
    assert given() is KERNEL


@pytest.mark.parametrize("status", [0, 1, -9])
def test_a_process_that_ended_without_success_is_not_waited_for(started, status, caplog):
    assert given() is flag_jumps
    started[0].status = status
    with caplog.at_level("INFO", logger="gpipe"):
        assert given() is KERNEL
        assert given() is KERNEL
    assert caplog.text.count("Compiling kernels for this machine") == 1
    assert len(started) == 1


def test_now(started, monkeypatch, caplog):
    monkeypatch.setenv("GPIPE_COMPILE", "now")
    with caplog.at_level("INFO", logger="gpipe"):
        assert given() is KERNEL
    assert "once" in caplog.text
    assert not started


def test_never(started, monkeypatch):
    monkeypatch.setenv("GPIPE_COMPILE", "never")
    monkeypatch.setattr(compiling, "are_compiled", lambda module: True)
    assert given() is flag_jumps
    assert not started


def test_without_a_folder_there_is_nothing_to_wait_for(started, monkeypatch, caplog):
    monkeypatch.setattr(compiling.Kernel, "can_be_kept", lambda kernel: False)
    with caplog.at_level("INFO", logger="gpipe"):
        assert given() is KERNEL
    assert "NUMBA_CACHE_DIR" in caplog.text
    assert not started


ASK = """
import logging
logging.basicConfig(format="%(message)s")
from gpipe.backends.numpy import NumpyBackend
from gpipe.jump.detection import flag_jumps
print(NumpyBackend().native(flag_jumps) is flag_jumps, NumpyBackend().native(flag_jumps) is flag_jumps)
"""


@pytest.mark.parametrize(
    ("files", "environment", "reason"),
    [
        ({}, {"NUMBA_DISABLE_JIT": "1"}, "NUMBA_DISABLE_JIT is set"),
        ({"numba/__init__.py": ""}, {}, r"numba has no module _nrt_python in .*numba.core.runtime"),
        ({"numba/__init__.py": "", "numba/core/runtime/_nrt_python.py": "c_helpers = {}"}, {}, r"numba is not as .*"),
        ({"numba.py": ""}, {}, "numba is not installed"),
        ({"llvmlite.py": "raise ImportError('not here')"}, {}, "not here"),
        ({"llvmlite/__init__.py": "", "llvmlite/binding.py": "raise OSError('broken')"}, {}, "broken"),
    ],
    ids=["numba does not compile", "numba without it", "another numba", "no numba", "no LLVM", "LLVM is broken"],
)
def test_where_nothing_compiles_portable_functions_are_used_and_the_log_says_why(files, environment, reason, tmp_path):
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(content)
    own = {"PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "GPIPE_COMPILE": "now"}
    ran = subprocess.run(
        [sys.executable, "-c", ASK], capture_output=True, text=True, env=os.environ | own | environment, check=True
    )
    assert ran.stdout == "True True\n"
    assert re.search(rf"\({reason}\): portable functions are used, which are slower\n", ran.stderr)
    assert ran.stderr.count("portable functions") == 1


def test_small_exposures_start_nothing(started):
    assert NumpyBackend().suited_to(1000).native(flag_jumps) is flag_jumps
    assert not started


def test_an_unknown_word_is_one_clear_line(monkeypatch):
    monkeypatch.setenv("GPIPE_COMPILE", "soon")
    with pytest.raises(BackendError, match=r"^GPIPE_COMPILE='soon' is not known; expected one of later, now, never$"):
        given()


def test_compiled_kernels_are_found_on_disk_by_another_process():
    """Two at once, beside this process; they say nothing."""
    compiler.compile_kernels()
    command = [sys.executable, "-W", "error", "-m", pending.COMPILE_ALL]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(2)]
    assert [process.communicate()[0] for process in both] == [b"", b""]
    assert [process.returncode for process in both] == [0, 0]
    ask = (
        "from gpipe.kernels.cpu import compile, compiling as c; "
        "print({c.are_compiled(m) for m in c.KERNELS}, {len(k._loaded) for m in c.KERNELS for k in c.KERNELS[m]}); "
        "import sys; print('numba' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout
    assert answer == "{True} {0}\nFalse\n"


def test_several_processes_compile_and_keep_what_they_are_given(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert list(compiler._on_processes(["files", "counts", "references"], 2)) == [None] * 3
    kept = {path.name.split("-")[0] for path in tmp_path.rglob("*.kernel")}
    assert kept == {"fits_pixels._fetch", "fits_pixels._counts", "fits_pixels._swap"}


def test_a_kernel_of_another_processor_or_source_is_not_compiled(tmp_path):
    """No kernel of an empty folder is; nor is one after the name of the processor has changed."""
    ask = "from gpipe.kernels.cpu import jump, compiling as c; print(c.are_compiled(jump.__name__))"
    for more in ({"NUMBA_CACHE_DIR": str(tmp_path)}, {"NUMBA_CPU_NAME": "generic"}):
        ran = subprocess.run(
            [sys.executable, "-c", ask], capture_output=True, text=True, env=os.environ | more, check=True
        )
        assert ran.stdout == "False\n"
