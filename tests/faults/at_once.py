"""Threads, processes and lists: the bits of a run alone, and logs that hold that run only."""

import multiprocessing
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from faults import calls
from faults.products import ASDF, IN_CHUNKS, SCRATCH, names
from faults.trials import NotHereError, Room, Trial, generator

NAME = "at once"
METHODS = ("fork", "spawn", "forkserver")
LONGEST_SOCKET = 107  # letters of a socket's path that Linux takes
LISTENER = "/pymp-12345678/listener-12345678"  # of a fork server, in TMPDIR
WAYS: tuple[dict[str, Any], ...] = ({}, ASDF, IN_CHUNKS, SCRATCH)
THREADS = 4
LOGGED = {"configure_log": True}

Work = tuple[str, dict[str, Any]]


def trials(seed: int, *, long: bool) -> Iterator[Trial]:
    """Threads that save FITS and ASDF, pools of processes, lists; the seed deals out exposures and options."""
    for number in range(20 if long else 2):
        random = generator(seed, f"threads {number}")
        yield Trial(f"{THREADS} threads, {number}", partial(_check_threads, _dealt(random, 6)))
    for method in METHODS:
        for number in range(5 if long else 1):
            work = _dealt(generator(seed, f"{method} {number}"), 3)
            yield Trial(f"pool by {method}, {number}", partial(_check_pool, method, work))
    for number, options in enumerate(WAYS):
        yield Trial(f"list, {number}", partial(_check_list, options))
    yield Trial("one product by two processes", _check_same_product)


def _dealt(random: Random, count: int) -> list[tuple[int, dict[str, Any]]]:
    return [(random.randrange(4), random.choice(WAYS)) for _ in range(count)]


def _work(room: Room, dealt: Sequence[tuple[int, dict[str, Any]]]) -> list[Work]:
    return [
        (str(room.world.exposures[which]), {**options, **LOGGED, "output_dir": f"out{number}"})
        for number, (which, options) in enumerate(dealt)
    ]


def _check_threads(dealt: Sequence[tuple[int, dict[str, Any]]], room: Room) -> None:
    work = _work(room, dealt)
    _check_results(room, work, room.result("at_once:in_threads", work=work, threads=THREADS))


def _check_pool(method: str, dealt: Sequence[tuple[int, dict[str, Any]]], room: Room) -> None:
    if method == "forkserver" and len(f"{room.folder}/temporary{LISTENER}") > LONGEST_SOCKET:
        raise NotHereError(f"a fork server, with a TMPDIR as long as {room.folder}")
    work = _work(room, dealt)
    _check_results(room, work, room.result("at_once:in_processes", work=work, method=method))


def _check_results(room: Room, work: Sequence[Work], errors: Sequence[str]) -> None:
    assert not any(errors), f"found errors {[error for error in errors if error]}"
    for source, options in work:
        folder = room.here / options["output_dir"]
        found, expected = (
            (path.name for path in folder.iterdir()),
            names(Path(source), options),
        )
        assert sorted(found) == sorted(expected), f"found {sorted(found)}, expected {sorted(expected)}"
        wrong = [name for name in expected if not room.world.is_right(folder / name)]
        assert not wrong, f"{folder.name}: {wrong} differ from those of a run alone"
    _check_logs(room, {path for _, options in work for path in (room.here / options["output_dir"]).iterdir()})


def _check_logs(room: Room, products: Iterable[Path]) -> None:
    """The log in a rate product holds the lines of a run alone, and no more."""
    paths = [path for path in products if "_rate." in path.name]
    for path, found in zip(paths, room.result("calls:logs", paths=[str(path) for path in paths]), strict=True):
        right = room.world.logs[path.name]
        assert right, f"{path.name} has no log"
        differing = Counter(found) - Counter(right), Counter(right) - Counter(found)
        assert not any(differing), f"the log of {path} has more and fewer lines than that of a run alone: {differing}"


def _check_list(options: dict[str, Any], room: Room) -> None:
    sources = [str(path) for path in room.world.exposures]
    room.result("calls:calibrate", source=sources, options={**options, **LOGGED})
    found = sorted(path.name for path in (room.here / "out").iterdir())
    expected = [name for path in room.world.exposures for name in names(path, options)]
    assert found == sorted(expected), f"found {found}"
    wrong = [name for name in expected if not room.world.is_right(room.here / "out" / name)]
    assert not wrong, f"{wrong} differ from those of a run alone"
    _check_logs(room, sorted((room.here / "out").iterdir()))


def _check_same_product(room: Room) -> None:
    work = [(str(room.world.exposures[0]), {"output_dir": "out", **LOGGED})] * 4
    _check_results(room, work, room.result("at_once:in_processes", work=work, method="fork"))


def in_threads(work: Sequence[Work], threads: int) -> list[str]:
    """In a child: calibrate on threads of a user; the errors."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(_tried, work))


def in_processes(work: Sequence[Work], method: str) -> list[str]:
    """In a child, which has calibrated before: calibrate in a pool of processes; the errors."""
    calls.calibrate(work[0][0], {"output_dir": "before"})
    with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as pool:
        return list(pool.map(_tried, work))


def _tried(work: Work) -> str:
    return str(calls.refused(*work).get("trace", ""))
