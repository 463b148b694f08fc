"""The file of persistence windows: kills, full disks, several processes at once."""

import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from faults import calls
from faults.kills import SIGNALS, check_status
from faults.trials import Room, Trial
from faults.world import digest

NAME = "persistence windows"
FILE = "windows.asdf"
SAVED = {"persistence": {"skip": False, "persistence_time": 1000, "dn_threshold": 2e4, "save_persistence": FILE}}
OPTIONS = {"steps": SAVED}
MOMENTS = {"before the file is made": ("created", 1), "before the rename": ("renaming", 1), "after it": ("renamed", 1)}
REFUSED = {"a limit on files": ("limit on a file", 600), "a refused rename": ("rename refused", 1)}


def trials(seed: int, *, long: bool) -> Iterator[Trial]:
    """Each signal at each moment, disks without room, and processes that share the file."""
    for moment in MOMENTS:
        for name in SIGNALS:
            yield Trial(f"{name} {moment}", partial(_check_kill, moment, name))
    for disk in REFUSED:
        yield Trial(f"disk: {disk}", partial(_check_disk, disk))
    yield Trial("two detectors at once", partial(_check_sharing, 30 if long else 5))


def _check_kill(moment: str, name: str, room: Room) -> None:
    earlier, right = _earlier(room)
    kind, nth = MOMENTS[moment]
    number, source = int(SIGNALS[name]), str(room.world.exposures[0])
    outcome = room.child("calls:calibrate_until", source=source, options=OPTIONS, moment=kind, nth=nth, signal=number)
    check_status(outcome, number)
    _check_file(room, earlier, right)
    killed = number == signal.SIGKILL
    assert killed or not [name for name in os.listdir(room.here) if name.startswith(".gpipe-")]
    _check_next(room, right)


def _check_disk(disk: str, room: Room) -> None:
    earlier, right = _earlier(room)
    kind, size = REFUSED[disk]
    source = str(room.world.exposures[0])
    told = room.result("calls:on_a_full_disk", source=source, options=OPTIONS, disk=kind, size=size)
    assert told.get("class") == "OutputError", told
    assert FILE in told["text"], told["text"]
    assert (room.here / FILE).read_bytes() == earlier
    assert digest(room.here / FILE) != right
    _check_next(room, right)


def _earlier(room: Room) -> tuple[bytes, str]:
    """Put the file of another detector in place; return its bytes, and the digest of what is to come."""
    products, right = room.world.products, room.world.right
    if FILE not in products:
        products[FILE] = room.world.folder / FILE
        room.result("calls:calibrate", source=str(room.world.exposures[-1]), options=OPTIONS)
        products[FILE].write_bytes((room.here / FILE).read_bytes())
        room.result("calls:calibrate", source=str(room.world.exposures[0]), options=OPTIONS)
        right[FILE] = digest(room.here / FILE)
    earlier = products[FILE].read_bytes()
    (room.here / FILE).write_bytes(earlier)
    return earlier, right[FILE]


def _check_file(room: Room, earlier: bytes, right: str) -> None:
    path = room.here / FILE
    assert path.read_bytes() == earlier or digest(path) == right, "windows are neither the earlier nor the right ones"


def _check_next(room: Room, right: str) -> None:
    room.result("calls:calibrate", source=str(room.world.exposures[0]), options=OPTIONS)
    assert digest(room.here / FILE) == right, "the windows after the next run are wrong"
    left = [name for name in os.listdir(room.here) if name.startswith(".gpipe-")]
    assert not left, f"the next run leaves {left}"


def _check_sharing(rounds: int, room: Room) -> None:
    sources = [str(room.world.exposures[number]) for number in (0, 3)]
    found = room.result("windows:shared", sources=sources, rounds=rounds)
    lost = [detectors for detectors in found if detectors != ["NRCALONG", "NRCBLONG"]]
    assert not lost, f"in {len(lost)} of {rounds} rounds windows were lost: {lost}"


def shared(sources: list[str], rounds: int) -> list[list[str]]:
    """In a child: several processes write the same file at the same time; the detectors that it has in the end."""
    context = multiprocessing.get_context("fork")
    found = []
    for _ in range(rounds):
        Path(FILE).unlink(missing_ok=True)
        barrier = context.Barrier(len(sources))
        processes = [context.Process(target=_wait_and_calibrate, args=(barrier, source)) for source in sources]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        found.append(detectors())
    return found


def _wait_and_calibrate(barrier: Any, source: str) -> None:
    barrier.wait()
    calls.calibrate(source, OPTIONS)


def detectors() -> list[str]:
    """The detectors that the file names."""
    import asdf

    with asdf.open(FILE) as file:
        return sorted(name for name, entry in file.tree.items() if isinstance(entry, Mapping) and "rows" in entry)
