"""Full disks: one OutputError names the file, products are old or new and whole, the next run works."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from faults.products import ASDF, SCRATCH, check_next_run, check_whole, put_earlier
from faults.trials import NotHereError, Room, Trial, generator

NAME = "full disks"
MOUNTED = ("small output_dir", "small TMPDIR")


@dataclass(frozen=True)
class Full:
    """A disk of `disks.DISKS`, its size, and what is named by the error: a product or TMPDIR."""

    name: str
    disk: str
    size: int
    options: dict[str, Any] = field(default_factory=dict)
    exposures: int = 1
    names: str = "product"


DISKS = (
    Full("from the first byte", "simulated", 0),
    Full("in the middle of the first product", "simulated", 60_000),
    Full("in the middle of the second product", "simulated", 200_000),
    Full("in the background", "simulated", 60_000, exposures=3),
    Full("in the second exposure of a list", "simulated", 450_000, exposures=3),
    Full("a limit on files", "limit on a file", 60_000),
    Full("a limit on ASDF files", "limit on a file", 60_000, ASDF),
    Full("a small file system", "small output_dir", 60_000),
    Full("a small file system, second product", "small output_dir", 170_000),
    Full("a small file system, ASDF", "small output_dir", 60_000, ASDF),
    Full("fsync is refused", "fsync refused", 1),
    Full("the first rename is refused", "rename refused", 1),
    Full("the second rename is refused", "rename refused", 2),
    Full("TMPDIR: a limit on files", "limit on a file", 100_000, SCRATCH, names="TMPDIR"),
    Full("TMPDIR: a small file system", "small TMPDIR", 1 << 16, SCRATCH, names="TMPDIR"),
    Full("TMPDIR: no room for a scratch file", "no allocation", 0, SCRATCH, names="TMPDIR"),
)


def trials(seed: int, *, long: bool) -> Iterator[Trial]:
    """All disks; in the long form also sizes that the seed chooses."""
    for number, full in enumerate(DISKS):
        yield Trial(full.name, partial(_check, full, number % 2 == 0))
    for number in range(60 if long else 0):
        random = generator(seed, f"disk {number}")
        disk = random.choice(["simulated", "limit on a file", "small output_dir"])
        exposures, size = random.randint(1, 3), random.randint(0, 80_000)
        size *= exposures if disk != "limit on a file" else 1
        full = Full(f"{disk}, {size} bytes, number {number}", disk, size, random.choice([{}, ASDF]), exposures)
        if not (disk == "simulated" and full.options):  # asdf opens files in another way
            yield Trial(full.name, partial(_check, full, random.random() < 0.5))


def _check(full: Full, with_earlier: bool, room: Room) -> None:
    if full.disk in MOUNTED and not room.result("disks:may_mount"):
        raise NotHereError("mounting a file system")
    exposures = room.world.exposures[: full.exposures]
    sources = [str(path) for path in exposures]
    earlier = put_earlier(room, exposures, full.options) if with_earlier else {}
    source = sources if full.exposures > 1 else sources[0]
    told = room.result("calls:on_a_full_disk", source=source, options=full.options, disk=full.disk, size=full.size)
    _check_error(told, r"_rate(ints)?\.(fits|asdf)" if full.names == "product" else r"temporary.*\d")
    check_whole(room, earlier, killed=False)
    check_next_run(room, sources, full.options)


def _check_error(told: Mapping[str, Any], named: str) -> None:
    """One line of OutputError names what cannot be written."""
    assert told, "no error came"
    for error in told["each"] or [told]:  # a list tells those of all its exposures
        assert error["class"] == "OutputError", f"found {error['class']}: {error['trace']}"
        assert "\n" not in error["text"], error["text"]
        assert re.search(named, error["text"]), f"{error['text']!r} does not name {named}"
