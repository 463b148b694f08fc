"""Trials, and the room that each of them runs in."""

import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from faults.nursery import Nursery, Outcome
from faults.world import World, make_world

WAYS: tuple[dict[str, Any], ...] = ({}, {"output_ext": ".asdf"}, {"steps": {"refpix": {"save_results": True}}})
"""Options with which all products are made that trials expect."""


class NotHereError(Exception):
    """This system does not allow a trial."""


@dataclass(frozen=True)
class Room:
    """A folder of a trial, the exposures, and the process that children come from."""

    folder: Path
    world: World
    nursery: Nursery

    def __post_init__(self) -> None:
        for name in ("here", "temporary"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    @property
    def here(self) -> Path:
        """The working folder of the children."""
        return self.folder / "here"

    def child(self, function: str, *, limit: float = 60.0, **arguments: Any) -> Outcome:
        """Run ``module:function`` of this package in a child, in the folder ``here``, with TMPDIR ``temporary``."""
        return self.nursery.child(function, self.folder, arguments, limit)

    def result(self, function: str, *, limit: float = 60.0, **arguments: Any) -> Any:
        """Run a function in a child that must not fail, and return its result."""
        outcome = self.child(function, limit=limit, **arguments)
        assert outcome.status == 0, f"{function} ended with {outcome.status}: {outcome.text[-2000:]}"
        return outcome.result

    def cold(self) -> AbstractContextManager["Room"]:
        """The same room with children of a process that has not called gpipe yet."""
        return _cold(self)

    def contents(self) -> dict[str, bytes | None]:
        """The files below the working folder, and their bytes; None for what is no regular file."""
        paths = [path for path in sorted(self.here.rglob("*")) if path.is_symlink() or not path.is_dir()]
        return {str(p.relative_to(self.here)): p.read_bytes() if p.is_file() else None for p in paths}

    def temporary_files(self) -> list[str]:
        """The files that are left in TMPDIR."""
        return sorted(str(p.relative_to(self.folder)) for p in (self.folder / "temporary").rglob("*"))


@contextmanager
def _cold(room: Room) -> Iterator[Room]:
    with Nursery(room.world.cache.environment) as nursery:
        yield replace(room, nursery=nursery)


@dataclass(frozen=True)
class Trial:
    """One thing that is tried; ``check`` raises where gpipe does not do what it should."""

    name: str
    check: Callable[[Room], None]


@dataclass(frozen=True)
class Laboratory:
    """Rooms for trials."""

    folder: Path
    world: World
    nursery: Nursery

    def room(self, name: str) -> Room:
        """A new room, in a folder with a short name: that of a socket must be short."""
        return Room(self.folder / f"{zlib.crc32(name.encode()):08x}", self.world, self.nursery)


@contextmanager
def laboratory(folder: Path) -> Iterator[Laboratory]:
    """Exposures, the process that children come from, and the products that are right."""
    world = make_world(folder / "world")
    with Nursery(world.cache.environment, world.exposures[0]) as nursery:
        found = Laboratory(folder, world, nursery)
        for options in WAYS:
            room = found.room(str(options))
            for path in world.exposures:
                room.result("calls:calibrate", source=str(path), options={"configure_log": True, **options})
            world.learn(room.here / "out")
        paths = [path for name, path in world.products.items() if "_rate." in name]
        world.logs.update(
            zip(
                [path.name for path in paths],
                room.result("calls:logs", paths=[str(path) for path in paths]),
                strict=True,
            )
        )
        yield found


def generator(seed: int, name: str) -> Random:
    """Random numbers of a trial, which do not depend on the trials before it."""
    return Random(f"{seed} {name}")
