"""Kills at the worst moments: products are old or new and whole, the next run works and cleans up."""

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from faults.nursery import Outcome
from faults.products import ASDF, IN_CHUNKS, SCRATCH, check_next_run, check_whole, put_earlier
from faults.trials import Room, Trial, generator

NAME = "kills"
SIGNALS = {"SIGKILL": signal.SIGKILL, "SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT}


@dataclass(frozen=True)
class Kill:
    """A moment of a run, and how often it comes before the signal does."""

    name: str
    moment: str
    nth: int
    options: dict[str, Any]
    exposures: int = 1
    comes: bool = True
    """False where the run may end before the moment comes."""


KILLS = (
    Kill("while the header is read", "opened", 1, {}),
    Kill("while pixels are read", "chunk", 2, IN_CHUNKS),
    Kill("between sections", "step", 4, {}),
    Kill("with a scratch file in use", "chunk", 9, SCRATCH),
    Kill("before a product is made", "created", 1, {}),
    Kill("in the middle of a product", "written", 60_000, {}),
    Kill("in the middle of the second product", "written", 150_000, {}),
    Kill("in the background", "written", 60_000, {}, exposures=3),
    Kill("before fsync", "fsync", 1, {}),
    Kill("between fsync and rename", "renaming", 1, {}),
    Kill("between two products", "renamed", 1, {}),
    Kill("before the second rename", "renaming", 2, {}),
    Kill("after the last rename", "renamed", 2, {}),
    Kill("between two products of a list", "renamed", 3, {}, exposures=3),
)
IN_ASDF = (
    Kill("before an ASDF product is made", "created", 1, ASDF),
    Kill("between two ASDF products", "renamed", 1, ASDF),
)


def trials(seed: int, *, long: bool) -> Iterator[Trial]:
    """Each signal at each moment; in the long form also at moments that the seed chooses."""
    for kill in (*KILLS, *IN_ASDF):
        for name in SIGNALS:
            yield _trial(seed, kill, name)
    for number in range(120 if long else 0):
        yield _drawn(seed, number)


def _drawn(seed: int, number: int) -> Trial:
    random = generator(seed, f"kill {number}")
    moment, most = random.choice([("written", 220_000), ("step", 13), ("chunk", 12), ("renamed", 4), ("opened", 8)])
    exposures, nth = random.randint(1, 3), random.randint(1, most)
    options = random.choice([IN_CHUNKS, SCRATCH]) if moment == "chunk" else {}
    kill = Kill(f"at {moment} {nth}, {exposures} exposures, {number}", moment, nth, options, exposures, comes=False)
    return _trial(seed, kill, random.choice(list(SIGNALS)))


def _trial(seed: int, kill: Kill, name: str) -> Trial:
    with_earlier = generator(seed, f"{kill.name} {name}").random() < 0.5
    return Trial(f"{name} {kill.name}", partial(_check, kill, name, with_earlier))


def _check(kill: Kill, name: str, with_earlier: bool, room: Room) -> None:
    exposures, number = room.world.exposures[: kill.exposures], int(SIGNALS[name])
    sources = [str(path) for path in exposures]
    earlier = put_earlier(room, exposures, kill.options) if with_earlier else {}
    source = sources if kill.exposures > 1 else sources[0]
    arguments = {"options": kill.options, "moment": kill.moment, "nth": kill.nth, "signal": number}
    for _ in range(3 if name == "SIGINT" else 1):  # Python loses an interrupt that comes while it finalizes an object
        outcome = room.child("calls:calibrate_until", source=source, **arguments)
        if outcome.status:
            break
    check_status(outcome, number, comes=kill.comes)
    check_whole(room, earlier, killed=number == signal.SIGKILL)
    check_next_run(room, sources, kill.options)


def check_status(outcome: Outcome, number: int, *, comes: bool = True) -> None:
    """The process was ended by the signal, or says in its exit status that it was."""
    expected = {-number} | (set() if number == signal.SIGKILL else {128 + number}) | (set() if comes else {0})
    assert outcome.status in expected, f"exit status {outcome.status}, expected {expected}: {outcome.text[-1500:]}"
