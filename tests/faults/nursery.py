"""A process that has imported all, and forks a child for each trial: a start of Python for each would take a second.

The child ends as any Python process does, so that its exit status is that of a user's script.
"""

import importlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

IMPORTED = ("gpipe.pipeline", "gpipe.controller.run.run", "stdatamodels.jwst.datamodels", "faults.calls")
CORES = 2
"""Cores of a child: plans, and with them the moments of a run, depend on their number."""


@dataclass(frozen=True)
class Outcome:
    """End of a child: exit status (negative: the signal), seconds, the result of the function, what it printed."""

    status: int
    seconds: float
    result: Any
    text: str


class Nursery:
    """The process; used as a context.

    Parameters
    ----------
    environment : variables beside those of this process.
    warmed_by : an exposure that it calibrates first: a later call takes a quarter of the time of the first.
    """

    def __init__(self, environment: Mapping[str, str], warmed_by: Path | None = None) -> None:
        path = os.pathsep.join(
            [str(Path(__file__).resolve().parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
        )
        self._process = subprocess.Popen(
            [sys.executable, "-m", "faults.nursery", *([str(warmed_by)] if warmed_by else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "GPIPE_SYNC": "1", "PYTHONPATH": path, **environment},
        )

    def __enter__(self) -> "Nursery":
        return self

    def __exit__(self, *error: object) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def child(self, function: str, folder: Path, arguments: Mapping[str, Any], limit: float) -> Outcome:
        """Run a function in a child; one that takes longer than ``limit`` seconds is an error."""
        order = {"function": function, "folder": str(folder), "arguments": arguments, "limit": limit}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        status, seconds = json.loads(self._process.stdout.readline())
        text = (folder / "printed.txt").read_text(errors="replace")
        assert seconds < limit, f"{function} did not end in {limit} s; it printed {text[-2000:]}"
        result = folder / "result.json"
        found = json.loads(result.read_text()) if result.exists() else None
        return Outcome(status, seconds, found, text)


def serve(exposures: Sequence[str]) -> None:
    """Calibrate the exposures; then fork a child for each order that comes in, and tell how it ended."""
    for name in IMPORTED:
        importlib.import_module(name)
    for source in exposures:
        importlib.import_module("faults.calls").warm_up(source)
    for line in sys.stdin:
        order = json.loads(line)
        (Path(order["folder"]) / "result.json").unlink(missing_ok=True)
        child = os.fork()
        if child == 0:
            _be_child(order)
            return
        print(json.dumps(_end_of(child, order["limit"])), flush=True)


def _be_child(order: Mapping[str, Any]) -> None:
    os.setsid()
    folder = Path(order["folder"])
    _redirect(folder / "printed.txt")
    os.environ["TMPDIR"], tempfile.tempdir = str(folder / "temporary"), None
    os.chdir(folder / "here")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    module, _, name = order["function"].partition(":")
    result = getattr(importlib.import_module(f"faults.{module}"), name)(**order["arguments"])
    (folder / "result.json").write_text(json.dumps(result))


def _redirect(path: Path) -> None:
    printed, nothing = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (printed, 1), (printed, 2)):
        os.dup2(source, target)


def _end_of(child: int, limit: float) -> tuple[int, float]:
    started = time.monotonic()
    ended, status = 0, 0
    while not ended and time.monotonic() - started < limit:
        ended, status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.002)
    with suppress(ProcessLookupError):  # also what the child has started
        os.killpg(child, signal.SIGKILL)
    if not ended:
        os.waitpid(child, 0)
        return 0, limit
    return os.waitstatus_to_exitcode(status), time.monotonic() - started


if __name__ == "__main__":
    serve(sys.argv[1:])
