"""A process that makes exposures, calibrates them and tells digests: ``python -m benchmarks.digests.worker``.

Each line of JSON that it reads is a question, and each line that it prints is an answer. The environment says whether
kernels are used.
"""

import json
import logging
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gpipe.backends
from benchmarks.digests.products import digests_of
from benchmarks.digests.runs import Run, everything
from gpipe import simulate

CACHE = "crds_cache"


def make(run: Run, place: Path) -> None:
    """Write the exposures and a cache of their references."""
    for config in run.configs:
        simulate.write_exposure(config, place)
    others = None
    if run.others is not None:
        (place / "others").mkdir()
        others = run.others(place / "others")
    simulate.write_cache(run.configs, place / CACHE, full_frame=run.full_frame, others=others)


def recorded(run: Run, place: Path, folder: Path) -> dict[str, str]:
    """Digests of all files that the run writes to a new folder, which is deleted afterwards."""
    folder.mkdir()
    before = Path.cwd()
    os.chdir(folder)
    try:
        with simulate.CrdsCache(place / CACHE).activated():
            run.work([place / config.file_name for config in run.configs], gpipe.backends.get("numpy"))
        return digests_of(folder, {str(folder): "(folder)", str(place): "(place)"})
    finally:
        os.chdir(before)
        shutil.rmtree(folder)


def answer(question: Mapping[str, str], runs: Mapping[str, Run]) -> Any:
    """The digests of a run, or None once its exposures are there."""
    run, place = runs[question["name"]], Path(question["place"])
    if question["wanted"] == "make":
        return make(run, place)
    return recorded(run, place, Path(question["folder"]))


def main() -> None:
    """Answer until there are no more questions."""
    logging.disable(logging.CRITICAL)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else is printed is no answer
    runs = {run.name: run for run in everything()}
    for line in sys.stdin:
        try:
            found = {"answer": answer(json.loads(line), runs)}
        except Exception as error:
            found = {"failed": f"{type(error).__name__}: {error}"}
        print(json.dumps(found), file=answers, flush=True)


if __name__ == "__main__":
    main()
