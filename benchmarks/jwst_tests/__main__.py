"""Run jwst's own tests of the first stage on gpipe, and say which pass, and why others do not.

The tests come with the installed jwst; imports of jwst become those of gpipe where it has the name.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.jwst_tests.reasons import UNEXPLAINED, reason_of
from benchmarks.jwst_tests.recorder import VARIABLE
from benchmarks.jwst_tests.substituted import copy_tests

ROOT = Path(__file__).parents[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tests; 1 if one fails for a reason that is not known."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.jwst_tests", description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "jwst-tests", help="for the copies")
    parser.add_argument("--on-jwst", action="store_true", help="the same tests on jwst itself, for comparison")
    parser.add_argument("--only", default="", metavar="TEXT", help="tests whose file has this in its name")
    options = parser.parse_args(arguments)
    records = run(options.folder.absolute(), options.only, on_gpipe=not options.on_jwst)
    print(table(records))
    unexplained = [record for record in records if is_unexplained(record)]
    for record in unexplained:
        print(f"{record['test']}: {record['error']}: {record['message'].splitlines()[:1]}")
    return int(bool(unexplained) and not options.on_jwst)


def run(folder: Path, only: str, *, on_gpipe: bool) -> list[dict[str, str]]:
    """Copy the tests, run them in a process of their own, and return what became of each."""
    package = copy_tests(folder, on_gpipe=on_gpipe)
    record = folder / "record.jsonl"
    record.unlink(missing_ok=True)
    tests = sorted(str(path.relative_to(folder)) for path in package.rglob("test_*.py") if only in str(path))
    environment = {**os.environ, VARIABLE: str(record), "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    asked = [
        "-q",
        "--no-header",
        "-p",
        "no:cacheprovider",
        "--continue-on-collection-errors",
        "-p",
        "benchmarks.jwst_tests.recorder",
        "--tb=no",
    ]
    if on_gpipe:
        asked += ["-p", "benchmarks.jwst_tests.keywords"]
    command = [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", str(folder), *asked, *tests]
    subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=False)
    return [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []


def is_unexplained(record: dict[str, str]) -> bool:
    """Tell whether a test failed for a reason that is not known."""
    return record["outcome"] == "failed" and reason_of(record) == UNEXPLAINED


def table(records: Sequence[dict[str, str]]) -> str:
    """Count what became of the tests: for each room, and for each reason."""
    rooms = sorted({room_of(record) for record in records})
    passed = Counter(room_of(record) for record in records if record["outcome"] == "passed")
    reasons = Counter(reason_of(record) for record in records if record["outcome"] == "failed")
    skipped = sum(record["outcome"] == "skipped" for record in records)
    total = Counter(map(room_of, records))
    lines = ["| tests of | passed | of |", "| --- | --- | --- |"]
    lines += [f"| {room} | {passed[room]} | {total[room]} |" for room in rooms]
    lines += [f"| all | {passed.total()} | {total.total()} |", "", "| not passed | tests |", "| --- | --- |"]
    lines += [f"| {why} | {count} |" for why, count in reasons.most_common()]
    return "\n".join([*lines, *([f"| skipped by jwst | {skipped} |"] if skipped else [])])


def room_of(record: dict[str, str]) -> str:
    """Return the folder of jwst that a test is from."""
    return record["test"].split("/")[1]


if __name__ == "__main__":
    sys.exit(main())
