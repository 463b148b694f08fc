"""Memory that the machine, its containers and limits leave."""

import subprocess
import sys

import pytest

from gpipe.controller.plan.machine import memory_left, memory_limits, tightest
from gpipe.controller.plan.memory import AUTOMATIC_SHARE, Limits


@pytest.fixture
def root(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text("MemTotal: 8000 kB\nMemFree: 10 kB\nMemAvailable: 6000 kB\n")
    return tmp_path


def grouped(root, folder, **files):
    (root / folder).mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (root / folder / name.replace("__", ".")).write_text(text)


def test_the_machine(root):
    (found,) = [limit for limit in memory_limits(root) if limit.source == "machine"]
    assert (found.limit, found.left) == (8000 * 1024, 6000 * 1024)


def test_the_group_around_counts_too(root):
    (root / "proc/self/cgroup").write_text("0::/jobs/mine\n")
    grouped(
        root, "sys/fs/cgroup/jobs", memory__max="5000\n", memory__current="3000", memory__stat="inactive_file 400\n"
    )
    grouped(root, "sys/fs/cgroup/jobs/mine", memory__max="max\n", memory__current="2000", memory__stat="")
    assert memory_left(root) == 5000 - 3000 + 400
    assert (tightest(memory_limits(root)).source, tightest(memory_limits(root)).limit) == ("cgroup", 5000)


def test_groups_of_version_1(root):
    (root / "proc/self/cgroup").write_text("3:cpu:/x\n4:memory:/slurm\n")
    grouped(root, "sys/fs/cgroup/memory/slurm", memory__limit_in_bytes="900", memory__usage_in_bytes="1000",
            memory__stat="total_inactive_file 0\n")  # fmt: skip
    assert memory_left(root) == 0


def test_the_limit_of_a_process():
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (10**9, 10**9));"
        "from gpipe.controller.plan.machine import memory_left; print(memory_left())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert 0 < int(done.stdout) < 10**9


def test_auto_takes_a_share(monkeypatch):
    monkeypatch.setattr("gpipe.controller.plan.memory.memory_left", lambda: 10**9)
    assert Limits.of("auto") == Limits(host=int(AUTOMATIC_SHARE * 10**9), is_automatic=True)
    assert Limits.of("auto").keeps_planes
    assert not Limits.of("1 GB").keeps_planes
