"""Previews of an exposure: summaries that later steps need of the whole, taken from a few pixels beforehand."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from gpipe.arrays import Array
from gpipe.arrays.detector import EDGE
from gpipe.backends import Backend
from gpipe.controller.run.chunks import Stage, Summarizers, Summary, in_turn, joined, summary_of, through_stage
from gpipe.datamodels.exposures.chunks import Chunk, chunk_of_rows, without_halo
from gpipe.datamodels.exposures.in_flight import Exposure

SAMPLE = 4
"""Rows of a sample."""
LOOKED_AT = 128
"""Rows that are looked through together for the brightest."""
EARLY = 2
"""The group, counted from 0, whose brightest pixels are sampled: what singles pixels out is mostly early saturation."""


def border(shape: Sequence[int], halo: int) -> list[Chunk]:
    """The border of an exposure of this shape, with as many pixels around it as steps look at."""
    rows, columns = shape[-2:]

    def chunk(start: int, stop: int, of_columns: Chunk | None = None) -> Chunk:
        return chunk_of_rows(start, stop, total=rows, halo=halo, columns=of_columns)

    if rows <= 2 * EDGE or columns <= 2 * (EDGE + halo):
        return [chunk(0, rows)]
    sides = [(0, EDGE), (columns - EDGE, columns)]
    inner = [chunk(EDGE, rows - EDGE, chunk_of_rows(*side, total=columns, halo=halo)) for side in sides]
    return [chunk(0, EDGE), *inner, chunk(rows - EDGE, rows)]


def brightness(group: Array) -> Array:
    """The brightest pixel of each row: (row,) of (row, column)."""
    xp = array_namespace(group)
    return xp.max(xp.where(xp.isnan(group), -xp.inf, group), axis=-1)


def brightness_of_rows(source: Any, backend: Backend, shape: Sequence[int]) -> Array:
    """The brightest pixel of each row of an early group of an exposure in flight, or of a file."""
    group, rows = min(EARLY, shape[1] - 1), shape[2]
    if isinstance(source, Exposure):
        return brightness(source.data[0, group, ...])
    # Some rows at a time, which all use the same memory.
    pieces = [
        brightness(source.load("data", backend, (0, group), slice(start, min(start + LOOKED_AT, rows))))
        for start in range(0, rows, LOOKED_AT)
    ]
    return array_namespace(*pieces).concat(pieces)


def sample(brightness: Array) -> list[Chunk]:
    """The rows of the brightest pixels, without what is around them; ``brightness`` is that of each row."""
    rows = brightness.shape[0]
    order = array_namespace(brightness).argsort(brightness, stable=True)
    brightest = sorted(int(order[-1 - k]) for k in range(min(SAMPLE, rows)))
    return [chunk_of_rows(row, row + 1, total=rows) for row in brightest]


def preview(
    stages: Sequence[Stage],
    read_chunk: Callable[[Chunk], Any],
    pixels: Sequence[Chunk],
    summarizers: Summarizers,
    *,
    threads: int = 1,
) -> dict[str, Summary]:
    """Summarize some pixels after these stages; nothing else of them remains."""

    def one(chunk: Chunk) -> tuple[Chunk, dict[str, Summary]]:
        ramp = read_chunk(chunk)
        for stage in stages:
            ramp = through_stage(stage, ramp).results[0]
        ramp = without_halo(ramp, chunk)
        return chunk, {name: summary_of(ramp, summarize) for name, summarize in summarizers.items()}

    return joined(list(in_turn(one, pixels, threads)))


def has_misled(previewed: Summary, summary: Summary, backend: Backend) -> bool:
    """True where a sample and the whole exposure differ: of booleans it counts only if all rows are true."""

    def told(found: Mapping[str, Any], key: str) -> np.ndarray:
        values = found[key]
        return backend.to_host(array_namespace(values).all(values, axis=-1))

    return any(not np.array_equal(told(previewed, key), told(summary, key)) for key in summary)
