"""The least that a calibration takes: reading the bytes that it needs once, and writing the products once.

They are synced to the disk if gpipe syncs them.
"""

import os
import statistics
import time
from dataclasses import dataclass
from tempfile import TemporaryFile

from benchmarks.inputs import CHUNK, Inputs, read_through
from benchmarks.processes import Measured
from gpipe.datamodels.files.disk import durability


@dataclass(frozen=True)
class Floor:
    """Bytes that a case needs, and seconds for reading and writing no more than these, without a computation."""

    raw: int
    planes: int
    read: int
    seconds: float

    @property
    def bound(self) -> int:
        """Bytes of memory that a calibration is to keep within: four raw cubes, and the parts of references used."""
        return 4 * self.raw + self.planes


def floor(inputs: Inputs, measured: Measured, folder: str) -> Floor:
    """Measure the floor of a case, by the parts of references and the products of gpipe."""
    first, last = measured.processes[-1].first, measured.processes[-1].last
    exposures = sum(path.stat().st_size for path in inputs.paths)
    times = [_transfer(inputs, first.planes, last.written, folder) for _ in range(3)]
    return Floor(inputs.raw_bytes, first.planes, exposures + first.planes, statistics.median(times))


def _transfer(inputs: Inputs, planes: int, products: int, folder: str) -> float:
    started = time.perf_counter()
    read_through(inputs.paths)
    read_through(inputs.references, planes)
    with TemporaryFile(dir=folder) as file:
        for first in range(0, products, CHUNK):
            file.write(bytes(min(CHUNK, products - first)))
        file.flush()
        if durability.is_wanted():
            os.fsync(file.fileno())
    return time.perf_counter() - started
