"""Damaged and hostile files: one line of GpipeError at once, bounded memory and time; nothing is written."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from faults.forgeries import ALL
from faults.trials import Room, Trial, generator

NAME = "hostile files"
MOST_BYTES = 300_000_000
MOST_SECONDS = 10.0
MOST_LETTERS = 1_500
IN_A_BATCH = 12


def trials(seed: int, *, long: bool) -> Iterator[Trial]:
    """Each forgery once, those that draw what they damage many times, in children that get some of them each."""
    cases = []
    for name, forgery in ALL.items():
        count = (forgery.drawn * 30 if long else forgery.drawn) or 1
        cases += [(name, generator(seed, f"{name} {number}").randrange(1 << 30)) for number in range(count)]
    for start in range(0, len(cases), IN_A_BATCH):
        batch = cases[start : start + IN_A_BATCH]
        yield Trial(f"{start // IN_A_BATCH}: {batch[0][0]} to {batch[-1][0]}", partial(_check, batch))


def _check(batch: Sequence[tuple[str, int]], room: Room) -> None:
    materials = {
        "uncal": str(room.world.exposures[0]),
        "gain": str(room.world.cache.reference("nircam", "gain")),
        "linearity": str(room.world.cache.reference("nircam", "linearity")),
        "superbias": str(room.world.cache.reference("nircam", "superbias")),
        "rate": str(room.world.products[room.world.exposures[0].name.replace("uncal.fits", "rate.asdf")]),
    }
    outcome = room.child("forgeries:try_all", batch=batch, materials=materials, limit=60.0 + 25 * len(batch))
    at = (room.folder / "at.txt").read_text()
    assert outcome.status == 0, f"the process ended with {outcome.status} at {at}: {outcome.text[-1500:]}"
    wrong = [f"{case['name']} ({case['seed']}): {problem}" for case in outcome.result for problem in _problems(case)]
    assert not wrong, "\n".join(wrong)


def _problems(case: dict[str, Any]) -> Iterator[str]:
    """What is not as it should be with a forgery."""
    error = case["error"]
    if case["bytes"] > MOST_BYTES:
        yield f"took {case['bytes'] / 1e6:.0f} MB"
    if case["seconds"] > MOST_SECONDS:
        yield f"took {case['seconds']:.0f} s"
    if not error:
        if case["refused"]:
            yield "was calibrated"
        return
    if not error["of_gpipe"]:
        yield f"raised {error['class']}: {error['text'][:300]} {error['trace'][-700:]}"
        return
    if case["written"]:
        yield f"left {case['written']}"
    if len(error["text"]) > MOST_LETTERS + case["letters"] or (case["one_line"] and "\n" in error["text"]):
        yield f"has a message of {len(error['text'])} letters: {error['text'][:200]}"
    if not any(name in error["text"] for name in case["named"]):
        yield f"names none of {case['named']}: {error['text'][:300]}"
