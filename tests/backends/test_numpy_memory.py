"""The memory of one chunk is used for the next, not handed back to the system and asked for anew."""

import os
import platform
import subprocess
import sys

import numpy as np
import pytest

from gpipe.backends.host_memory import keep_workspace, release_workspace

PROGRAM = """
import resource
import sys
import numpy as np
from gpipe import backends

def chunk():
    arrays = [np.ones(1 << 21, np.uint8) for _ in range(6)]
    del arrays

if sys.argv[1] == "warm":
    backends.get("numpy").warm_up()
chunk()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(8):
    chunk()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
PAGES_OF_A_CHUNK = 6 * (1 << 21) // 4096


def pages_asked_for(how):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, how], env=environment, check=True, capture_output=True, text=True
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what the C library of Linux does")
def test_chunks_use_the_memory_of_those_before_them():
    if pages_asked_for("cold") < PAGES_OF_A_CHUNK:
        pytest.skip("this C library keeps memory by itself")
    assert pages_asked_for("warm") < PAGES_OF_A_CHUNK / 4


def test_keeping_and_releasing_workspace_leave_arrays_as_they_are():
    keep_workspace()
    found = [np.full(1000, number) for number in range(100)]
    del found[::2]
    release_workspace()
    assert [int(x[0]) for x in found] == list(range(1, 100, 2))
