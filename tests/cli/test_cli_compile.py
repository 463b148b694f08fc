"""``gpipe compile``: what it says, and that a process after it finds the kernels."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numba")

MAIN = "from gpipe.cli import main; main()"
LINE = r"kernels compiled for this machine, once, in \d+\.\d s; kept in (.+)\n"


def gpipe_compile(**environment):
    command = [sys.executable, "-c", MAIN, "compile"]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)


def test_kernels_are_compiled_and_kept():
    done = gpipe_compile()
    assert done.returncode == 0, done.stderr
    kept = Path(re.fullmatch(LINE, done.stdout)[1])
    for name in ("saturation", "linearity", "jump", "ramp_fit", "dark"):
        assert list(kept.glob(f"{name}.*.kernel"))


def test_without_numba_it_is_a_mistake_in_one_line(tmp_path):
    (tmp_path / "numba.py").write_text("raise ImportError('not here')")
    done = gpipe_compile(PYTHONPATH=str(tmp_path))
    assert done.returncode == 6
    assert re.fullmatch(r"gpipe: numba cannot be imported \(not here\).*\n", done.stderr)
    assert done.stdout == ""
