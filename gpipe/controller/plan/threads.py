"""Number of workers for ``maximum_cores``. Workers are threads, so they work inside any worker process, too."""

import multiprocessing
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from gpipe.controller.parameters.types import Cores

_SHARES = {"none": 0, "one": 0, "quarter": 4, "half": 2, "all": 1}
_limit: ContextVar[int | None] = ContextVar("limit", default=None)


@contextmanager
def limited_to(cores: int | str | None) -> Iterator[None]:
    """Within the block no steps have more workers than this, whatever their parameters say; None: as outside.

    ``cores`` is a number or a word, as of `count`. ParameterError: it is none.
    """
    token = _limit.set(_limit.get() if cores is None else count(cores, name="cores"))
    try:
        yield
    finally:
        _limit.reset(token)


def count(maximum_cores: int | str, *, available: int | None = None, name: str = "maximum_cores") -> int:
    """The number of workers, from 1 to the number of cores.

    Parameters
    ----------
    maximum_cores : a number, or ``none`` (one worker), ``quarter``, ``half``, ``all`` in any case; else ParameterError.
    available : cores to share; by default those that this process may run on.
    name : of the number in messages.
    """
    word = Cores("1").named(name).validate(None, maximum_cores)
    cores = available or cores_of_this_process()
    if word in _SHARES:
        return max(1, cores // _SHARES[word]) if _SHARES[word] else 1
    return min(int(word), cores)


def of_steps(steps: Iterable[Any]) -> int:
    """The number of workers for steps that work together: what the user says of any of them, else all cores.

    Inside a process of a pool the other processes have the other cores, so that there it is one unless the user says
    otherwise, of steps or of the run (`limited_to`).
    """
    limit = _limit.get()
    said = [s.maximum_cores for s in steps if "maximum_cores" in s.parameters() and s.origin("maximum_cores").by_user]
    if said:
        asked = max(count(cores) for cores in said)
        return asked if limit is None else min(asked, limit)
    if limit is not None:
        return limit
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
