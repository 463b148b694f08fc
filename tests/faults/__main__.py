"""All trials: a line for each family, tried and held; SEED chooses what is drawn, ONLY what is repeated."""

import os
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from faults.families import FAMILIES
from faults.trials import Laboratory, NotHereError, Trial, laboratory


def main() -> int:
    """Run the trials; exit status 1 if one did not hold."""
    seed = int(os.environ.get("SEED") or time.time_ns() % 1_000_000)
    only = os.environ.get("ONLY", "")
    print(f"SEED={seed}", flush=True)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, laboratory(Path(folder)) as place:
        for family in FAMILIES:
            chosen = [t for t in family.trials(seed, long=True) if only in f"{family.NAME}: {t.name}"]
            failed += _tell(place, family.NAME, chosen, seed) if chosen else 0
    return int(failed > 0)


def _tell(place: Laboratory, name: str, trials: Sequence[Trial], seed: int) -> int:
    """Run the trials of a family and print its line; the number of those that did not hold."""
    started = time.monotonic()
    outcomes = [_tried(place, name, trial, seed) for trial in trials]
    held, not_here = outcomes.count("held"), outcomes.count("not here")
    left_out = f", not possible here {not_here}" if not_here else ""
    seconds = time.monotonic() - started
    print(f"{name}: tried {len(trials) - not_here}, held {held}{left_out} ({seconds:.0f} s)", flush=True)
    return len(trials) - not_here - held


def _tried(place: Laboratory, family: str, trial: Trial, seed: int) -> str:
    label = f"{family}: {trial.name}"
    try:
        trial.check(place.room(label))
    except NotHereError:
        return "not here"
    except Exception as error:
        reason = str(error) if isinstance(error, AssertionError) else traceback.format_exc()
        print(f"  did not hold: SEED={seed} ONLY={label!r} make faults\n    {reason}", flush=True)
        return "failed"
    return "held"


if __name__ == "__main__":
    sys.exit(main())
