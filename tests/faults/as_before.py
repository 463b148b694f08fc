"""The process of a user is as before, whatever a call met: what is global in Python, and what the system keeps."""

from collections.abc import Iterator
from functools import partial

from faults.actions import ACTIONS
from faults.trials import Room, Trial

NAME = "process as before"
MOST_GROWTH = 6_000_000
CALLS = 20
FIRST = ("FITS", "threads")
"""Actions of the short form in a new process, which takes a second to start."""


def trials(seed: int, *, long: bool) -> Iterator[Trial]:
    """Each action of `actions` in a process that has called gpipe, and in one that has not; then many calls."""
    for name in ACTIONS:
        yield Trial(f"{name}, a later call", partial(_check, name))
    for name in ACTIONS if long else FIRST:
        yield Trial(f"{name}, the first call", partial(_check_cold, name))
    yield Trial("memory after calls", partial(_check_memory, 5 * CALLS if long else CALLS))


def _check(name: str, room: Room) -> None:
    sources = [str(path) for path in room.world.exposures]
    found = room.result("actions:changes", name=name, sources=sources)
    assert not found, "\n".join(f"{what}: {before} became {after}" for what, (before, after) in found.items())
    assert room.temporary_files() == []


def _check_cold(name: str, room: Room) -> None:
    with room.cold() as cold:
        _check(name, cold)


def _check_memory(calls: int, room: Room) -> None:
    growth = room.result("actions:growth", source=str(room.world.exposures[0]), calls=calls, limit=300)
    assert growth < MOST_GROWTH, f"{calls} calls took {growth / 1e6:.1f} MB more"
