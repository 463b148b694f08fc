"""How many workers ``maximum_cores`` means. Workers are threads, so they work inside any worker process, too."""

import os

from gpipe.controller.parameters import Cores

_SHARES = {"none": 0, "one": 0, "quarter": 4, "half": 2, "all": 1}


def count(maximum_cores: int | str, *, available: int | None = None) -> int:
    """The number of workers, from 1 to the number of cores.

    Parameters
    ----------
    maximum_cores : a number, or ``none`` (one worker), ``quarter``, ``half``, ``all`` in any case; else ParameterError.
    available : cores to share; by default those that this process may run on.
    """
    word = Cores("1").named("maximum_cores").validate(None, maximum_cores)
    cores = available or _cores_of_this_process()
    if word in _SHARES:
        return max(1, cores // _SHARES[word]) if _SHARES[word] else 1
    return min(int(word), cores)


def _cores_of_this_process() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1
