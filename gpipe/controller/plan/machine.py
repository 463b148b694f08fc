"""Memory that the machine, its containers and the limits of a process leave."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/")


@dataclass(frozen=True)
class MemoryLimit:
    """A limit of memory in bytes: where it comes from, how much it is, and how much of it is left."""

    source: str
    limit: int
    left: int


def memory_limits(root: Path = ROOT) -> list[MemoryLimit]:
    """List the limits that hold for this process; the machine's own is the first.

    Parameters
    ----------
    root : folder in which ``proc`` and ``sys`` are looked for.
    """
    return [_of_machine(root), *_of_cgroups(root), *_of_process(root)]


def memory_left(root: Path = ROOT) -> int:
    """Return the bytes that this process may still take."""
    return max(0, min(found.left for found in memory_limits(root)))


def tightest(limits: list[MemoryLimit]) -> MemoryLimit:
    """Return the smallest of some limits."""
    return min(limits, key=lambda found: found.limit)


def _of_machine(root: Path) -> MemoryLimit:
    with suppress(OSError, KeyError, ValueError):
        facts = _facts(root / "proc/meminfo")
        return MemoryLimit("machine", facts["MemTotal"] * 1024, facts["MemAvailable"] * 1024)
    page = os.sysconf("SC_PAGE_SIZE")
    total = os.sysconf("SC_PHYS_PAGES") * page
    known = "SC_AVPHYS_PAGES" in os.sysconf_names  # macOS does not tell what is free
    return MemoryLimit("machine", total, os.sysconf("SC_AVPHYS_PAGES") * page if known else total)


def _of_cgroups(root: Path) -> Iterator[MemoryLimit]:
    """Yield the limits of the control groups, of version 1 and 2, and of all that they lie in."""
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                yield from _upwards(root / "sys/fs/cgroup", path, "memory.max", "memory.current", "inactive_file")
            elif "memory" in controllers.split(","):
                names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
                yield from _upwards(root / "sys/fs/cgroup/memory", path, *names)


def _upwards(top: Path, path: str, limit: str, usage: str, cached: str) -> Iterator[MemoryLimit]:
    inner = top / path.lstrip("/")
    for folder in (inner, *inner.parents):
        if not folder.is_relative_to(top):
            return
        with suppress(OSError, ValueError):  # "max": no limit
            most, used = (int((folder / name).read_text()) for name in (limit, usage))
            # Pages of files that nobody uses go when others need them.
            yield MemoryLimit("cgroup", most, most - used + _facts(folder / "memory.stat").get(cached, 0))


def _of_process(root: Path) -> Iterator[MemoryLimit]:
    try:
        import resource
    except ImportError:  # Windows
        return
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most != resource.RLIM_INFINITY:
        yield MemoryLimit("ulimit -v", most, most - _taken(root))


def _taken(root: Path) -> int:
    """Count the bytes of address space that this process has taken."""
    with suppress(OSError, KeyError, ValueError):
        return _facts(root / "proc/self/status")["VmSize"] * 1024
    return 0


def _facts(path: Path) -> dict[str, int]:
    """Read lines of a name and a number."""
    words = (line.replace(":", " ").split() for line in path.read_text().splitlines())
    return {parts[0]: int(parts[1]) for parts in words if len(parts) > 1 and parts[1].isdigit()}
