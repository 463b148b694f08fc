"""A glance at a few pixels of an exposure: what later steps must know of the whole, before it is gone through."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from gpipe.arrays import Array
from gpipe.arrays.detector import EDGE
from gpipe.backends import Backend
from gpipe.controller.run.chunks import Found, Stage, Surveys, in_turn, joined, seen, through_stage
from gpipe.datamodels.exposures.chunks import Span, core_of, span_of

SAMPLE = 4
"""Rows of a sample."""
LOOKED_AT = 128
"""Rows that are looked through together for the brightest."""
EARLY = 2
"""The group, counted from 0, whose brightest pixels are sampled: what singles pixels out is mostly early saturation."""


def border(shape: Sequence[int], reach: int) -> list[Span]:
    """The border of an exposure of this shape, with as many pixels around it as steps look at."""
    rows, columns = shape[-2:]

    def span(start: int, stop: int, of_columns: Span | None = None) -> Span:
        return span_of(start, stop, total=rows, reach=reach, columns=of_columns)

    if rows <= 2 * EDGE or columns <= 2 * (EDGE + reach):
        return [span(0, rows)]
    sides = [(0, EDGE), (columns - EDGE, columns)]
    inner = [span(EDGE, rows - EDGE, span_of(*side, total=columns, reach=reach)) for side in sides]
    return [span(0, EDGE), *inner, span(rows - EDGE, rows)]


def brightness(group: Array) -> Array:
    """The brightest pixel of each row: (row,) of (row, column)."""
    xp = array_namespace(group)
    return xp.max(xp.where(xp.isnan(group), -xp.inf, group), axis=-1)


def sample(brightness: Array) -> list[Span]:
    """The rows of the brightest pixels, without what is around them; ``brightness`` is that of each row."""
    rows = brightness.shape[0]
    order = array_namespace(brightness).argsort(brightness, stable=True)
    return [span_of(row, row + 1, total=rows) for row in sorted(int(order[-1 - k]) for k in range(min(SAMPLE, rows)))]


def look(
    stages: Sequence[Stage],
    supply: Callable[[Span], Any],
    pixels: Sequence[Span],
    surveys: Surveys,
    *,
    threads: int = 1,
) -> dict[str, Found]:
    """What surveys find in some pixels after these stages, of which nothing else remains."""

    def one(span: Span) -> tuple[Span, dict[str, Found]]:
        part = supply(span)
        for stage in stages:
            part = through_stage(stage, part).results[0]
        part = core_of(part, span)
        return span, {name: seen(survey, part) for name, survey in surveys.items()}

    found = list(in_turn(one, pixels, threads))
    return {name: joined([(span, by_name[name]) for span, by_name in found]) for name in surveys}


def has_misled(glimpsed: Found, surveyed: Found, place: Backend) -> bool:
    """Whether a sample told something else than the whole exposure: of booleans, whether all rows are true."""

    def told(found: Mapping[str, Any], key: str) -> np.ndarray:
        values = found[key]
        return place.to_host(array_namespace(values).all(values, axis=-1))

    return any(not np.array_equal(told(glimpsed, key), told(surveyed, key)) for key in surveyed)
