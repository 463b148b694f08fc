"""Number of workers for ``maximum_cores``. Workers are threads, so they work inside any worker process, too."""

import multiprocessing
import os
from collections.abc import Iterable
from typing import Any

from gpipe.controller.parameters.types import Cores

_SHARES = {"none": 0, "one": 0, "quarter": 4, "half": 2, "all": 1}


def count(maximum_cores: int | str, *, available: int | None = None) -> int:
    """The number of workers, from 1 to the number of cores.

    Parameters
    ----------
    maximum_cores : a number, or ``none`` (one worker), ``quarter``, ``half``, ``all`` in any case; else ParameterError.
    available : cores to share; by default those that this process may run on.
    """
    word = Cores("1").named("maximum_cores").validate(None, maximum_cores)
    cores = available or cores_of_this_process()
    if word in _SHARES:
        return max(1, cores // _SHARES[word]) if _SHARES[word] else 1
    return min(int(word), cores)


def of_steps(steps: Iterable[Any]) -> int:
    """The number of workers for steps that work together: what the user says of any of them, else all cores.

    Inside a process of a pool the other processes have the other cores, so that there it is one unless the user says
    otherwise.
    """
    said = [s.maximum_cores for s in steps if "maximum_cores" in s.parameters() and s.origin("maximum_cores").by_user]
    if said:
        return max(count(cores) for cores in said)
    return 1 if multiprocessing.parent_process() is not None else cores_of_this_process()


def inside(step: Any, exposure: Any) -> int:
    """The number of workers for a step's own work on an exposure, or on a chunk of one.

    One for a chunk, since several threads work on chunks already, and one on a device.
    """
    in_chunks = getattr(exposure, "rows", None) is not None
    return 1 if in_chunks or exposure.backend.name != "numpy" else of_steps([step])


def cores_of_this_process() -> int:
    """The number of cores that this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1
