"""Record a digest of every part of every product that gpipe writes of many simulated exposures, or compare records.

python -m benchmarks.digests OUT.json
python -m benchmarks.digests --compare OLD.json NEW.json
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.digests.record import differences, flat, record
from benchmarks.digests.runs import everything


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.digests", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, nargs="?", metavar="OUT.json", help="the record to write")
    parser.add_argument("--only", default="", metavar="TEXT", help="runs whose name has this in it")
    parser.add_argument("--small", action="store_true", help="without large exposures")
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 2), help="runs at the same time")
    parser.add_argument("--compare", type=Path, nargs=2, metavar=("OLD.json", "NEW.json"), help="record nothing")
    options = parser.parse_args(arguments)
    if (options.out is None) == (options.compare is None):
        parser.error("expected either OUT.json or --compare OLD.json NEW.json")
    return options


def compare(old: Path, new: Path) -> int:
    """Print what differs; 1 if anything does, else 0."""
    before, after = (json.loads(path.read_text()) for path in (old, new))
    if before["made with"] != after["made with"]:
        print(f"made with different versions: {before['made with']}, {after['made with']}")
    equal, lines = differences(before, after)
    for line in lines:
        print(line)
    print(f"{equal} digests are equal, {len(lines)} are not")
    return int(bool(lines))


def tell(text: str) -> None:
    """Print a line for whoever waits."""
    print(text, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """1 if records differ, or if a run failed, else 0."""
    options = parsed(arguments)
    if options.compare is not None:
        return compare(*options.compare)
    runs = [run for run in everything() if options.only in run.name and (run.is_small or not options.small)]
    if not runs:
        raise SystemExit(
            f"--only: found {options.only!r}; expected a part of: {', '.join(r.name for r in everything())}"
        )
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        found = record(runs, Path(folder), options.jobs, tell)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    digests = flat(found)
    failed = {name: problem for name, problem in digests.items() if name.endswith(": failed")}
    for name, problem in failed.items():
        tell(f"{name}: {problem}")
    seconds = time.perf_counter() - started
    tell(f"{len(digests) - len(failed)} digests of {len(runs)} runs in {seconds:.0f} s: {options.out}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
