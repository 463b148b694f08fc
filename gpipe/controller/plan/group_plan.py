"""Preview of work on a group: where its members live, and how many are in hand."""

from collections.abc import Sequence
from dataclasses import dataclass

from gpipe.backends import Backend
from gpipe.controller.plan.memory import Limits, format_both, format_bytes
from gpipe.datamodels import Header
from gpipe.datamodels.exposures.groups.scratch import Storage
from gpipe.exceptions import ParameterError

IN_HAND = 3
"""Times the bytes of a member while a function works on it: as it came, as it becomes, and what is between."""
UNASKED = 1 << 27
"""Bytes that are held on the host between passes where no limit is set: more is rather read again."""


@dataclass(frozen=True)
class GroupPlan:
    """Plan of the work on a group.

    Attributes
    ----------
    storage : where pixels of members are held between passes; members on disk stay in their files.
    count, threads : members, and those in hand at the same time.
    stored, in_hand : bytes of the pixels that are held, and of those at work.
    """

    storage: Storage
    count: int
    threads: int
    stored: int
    in_hand: int

    @property
    def peak(self) -> int:
        """Predicted bytes of arrays where the work is done, at their most."""
        return self.in_hand + (self.stored if self.storage is Storage.DEVICE else 0)

    def __str__(self) -> str:
        return (
            f"{self.count} members kept {self.storage.value}, {format_bytes(self.stored)}; "
            f"{self.threads} in hand, {format_bytes(self.in_hand)}"
        )


def plan_group(headers: Sequence[Header], backend: Backend, limits: Limits, *, threads: int) -> GroupPlan:
    """Decide where members live and how many of them are in hand. No pixel is read.

    Raises
    ------
    ParameterError
        Not even one member fits the limit.
    """
    sizes = [header.nbytes for header in headers]
    one, kept = IN_HAND * max(sizes), 2 * sum(sizes)
    storage = storage_for(kept, backend, limits, at_work=one)
    budget = limits.budget(backend)
    left = one * threads if budget is None else budget - (kept if storage is Storage.DEVICE else 0)
    if left < one:
        largest = headers[sizes.index(max(sizes))].name
        found, expected = format_both(left, one)
        raise ParameterError(f"max_memory: found {found}; expected {expected} or more, for {largest} of the group")
    threads = min(threads, len(headers), left // one)
    return GroupPlan(storage, len(headers), threads, 0 if storage is Storage.DISK else kept, one * threads)


def storage_for(kept: int, backend: Backend, limits: Limits, *, at_work: int = 0) -> Storage:
    """Choose where so many bytes live between passes, while others are ``at_work``."""
    if kept <= _room(limits.budget(backend), at_work):
        return Storage.DEVICE
    is_elsewhere = backend.name != "numpy"
    return Storage.HOST if is_elsewhere and kept <= _room(limits.host, 0) else Storage.DISK


def _room(limit: int | None, at_work: int) -> int:
    return UNASKED if limit is None else limit - at_work
