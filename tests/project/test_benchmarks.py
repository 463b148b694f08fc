"""The benchmarks run; what they measure is not asserted."""

import subprocess
import sys
from pathlib import Path


def test_benchmarks_run_on_a_tiny_exposure():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--tiny", "--runs", "1", "--packages", "gpipe"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "64x64" in done.stdout
