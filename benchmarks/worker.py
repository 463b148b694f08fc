"""One process that calibrates one file with one package: ``python -m benchmarks.worker gpipe FILE FOLDER REPEATS``.

Prints one line of JSON: seconds to import, seconds of each call (the first one is cold), peak memory of the process.
"""

import json
import logging
import sys
import time
from pathlib import Path


def main(package: str, path: str, folder: str, repeats: int) -> None:
    started = time.perf_counter()
    if package == "gpipe":
        from gpipe.pipeline import Detector1Pipeline
    else:
        from jwst.pipeline import Detector1Pipeline
    imported = time.perf_counter() - started
    logging.disable(logging.CRITICAL)
    calls = []
    for number in range(repeats):
        # A fresh folder each time: replacing a file makes some file systems wait for the disk.
        output_dir = f"{folder}/{time.time_ns()}-{number}"
        started = time.perf_counter()
        Detector1Pipeline.call(path, save_results=True, output_dir=output_dir, configure_log=False)
        calls.append(time.perf_counter() - started)
    print(json.dumps({"import": imported, "calls": calls, "peak": peak_bytes()}))


def peak_bytes() -> int:
    """Largest resident size of this process. ``ru_maxrss`` would count the process that started it, too."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/self/status has no VmHWM")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
