"""Jumps: ``gpipe.jump.detection.flag_jumps`` in one pass over the samples."""

import math
from typing import Any

import numpy as np

from gpipe import dq
from gpipe.arrays.nan import nanmedian
from gpipe.arrays.precision import all_float32
from gpipe.jump import detection
from gpipe.jump.detection import Flagged, JumpSettings
from gpipe.jump.method import Method
from gpipe.kernels.native.aligned import aligned
from gpipe.kernels.native.arguments import (
    Function,
    array,
    contiguous,
    contiguous_rows,
    double,
    flag,
    integer,
    output,
    real,
)
from gpipe.kernels.native.by_rows import by_rows

F = np.float32
ITERATIVE, SINGLE_PASS, CLIP_GROUPS, CLIP_ALL = range(4)
"""The numbers that C has for methods."""
MOST_LEVELS, MOST_GROUPS = 7, 0x7FFF
LANES = 32
NARROWEST, WIDEST = 64, 512
"""Columns of a tile."""
SAMPLES, SAMPLES_IN_FIRST_CACHE = 1 << 16, 1 << 12
"""Samples of a tile; of the iterative method, which ranks all of them, these stay in the first cache."""
ROW_BYTES = 1 << 18
"""Bytes of flags and marks of rows that wait for the rows below; at least three rows."""

_flag = Function(
    "jump_flag",
    data=array(np.float32, "integrations groups rows columns", is_strided=True),
    groupdq=array(np.uint8, "integrations groups rows columns", is_strided=True),
    gain=array(np.float32, "rows columns"),
    readnoise=array(np.float32, "rows columns"),
    method=integer,
    four_or_more=real,
    three=real,
    two=real,
    clip=double,
    frames=real,
    spreads=flag,
    least=real,
    most=real,
    levels=array(np.float32, "levels_count"),
    reach=array(np.uint16, "levels_count"),
    full=array(np.uint8, "integrations groups", is_optional=True),
    first=integer,
    last=integer,
    width=integer,
    tile=output(np.float32, "values pitch"),
    ranked=output(np.float32, "values pitch", is_optional=True),
    few=output(np.float32, "2 values together"),
    sets=output(np.float32, "2 length together", is_optional=True),
    waiting=output(np.uint8, "slots slot_bytes"),
    until=output(np.uint16, "columns"),
    none=array(np.uint8, "margins"),
    flags=output(np.uint8, "integrations groups rows columns"),
    primary=output(np.int64, "rows"),
    open=output(np.bool_, "integrations groups rows", is_optional=True),
)


def flag_jumps(
    data: np.ndarray,
    groupdq: np.ndarray,
    gain: np.ndarray,
    readnoise: np.ndarray,
    *,
    settings: JumpSettings,
    block_pixels: int | None = None,
    workers: int = 1,
) -> Flagged:
    """See ``gpipe.jump.detection.flag_jumps``, which is called if it is not asked to look for jumps.

    ``block_pixels`` has no effect: tiles always fit the cache. ``workers`` threads share the rows.
    """
    fits = all_float32(data, gain, readnoise) and groupdq.dtype == np.uint8
    fits &= len(settings.after) <= MOST_LEVELS and data.shape[1] <= MOST_GROUPS
    if settings.method is None or not fits:
        return detection.flag_jumps(
            data, groupdq, gain, readnoise, settings=settings, block_pixels=block_pixels, workers=workers
        )
    given = (contiguous_rows(data), contiguous_rows(groupdq), contiguous(gain), contiguous(readnoise))
    opened = np.empty(data.shape[:3], np.bool_) if settings.method is Method.SIGMA_CLIP else None
    flags, primary = _run(given, settings, None, opened, workers)
    if opened is not None and settings.whole_images:
        full = np.asarray(~opened.any(axis=-1), np.uint8)
        alone = [(i, g) for i, g in np.argwhere(full) if np.any(flags[i, g] == dq.JUMP_DET)]
        if alone:  # what moves all pixels at once is no hit, nor are its neighbours
            flags, primary = _run(given, settings, full, None, workers)
    return Flagged(flags, primary, opened)


def _run(
    given: tuple[np.ndarray, ...],
    settings: JumpSettings,
    full: np.ndarray | None,
    opened: np.ndarray | None,
    workers: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Flags and the number of jumps in each row; ``full`` groups lose theirs."""
    data, _, gain, _ = given
    flags, primary = np.empty(data.shape, np.uint8), np.zeros(data.shape[2], np.int64)
    rules = _rules(settings, gain, data.shape[1])
    margin = np.zeros(data.shape[3] + 2, np.uint8)

    def flag_rows(first: int, last: int) -> None:
        scratch = _scratch(rules[0], data.shape)
        _flag(*given, *rules, full, first, last, *scratch, margin, flags, primary, opened)

    by_rows(flag_rows, data.shape[2], workers)
    return flags, primary


def _rules(settings: JumpSettings, gain: np.ndarray, groups: int) -> tuple[Any, ...]:
    """``JumpSettings`` as C takes them."""
    limits, near, method = settings.thresholds, settings.neighbours, _method(settings)
    typical_gain = nanmedian(gain.reshape(-1), axis=0, xp=np) if settings.after else F(0)
    return (
        method,
        F(math.inf if method >= CLIP_GROUPS else limits.four_or_more),
        F(limits.three),
        F(limits.two),
        float(limits.four_or_more),
        F(settings.frames),
        near is not None,
        F(near.least if near else 0),
        F(near.most if near else 0),
        np.asarray([a.dn * typical_gain for a in settings.after], np.float32),
        np.asarray([min(max(a.groups, 0), groups) for a in settings.after], np.uint16),
    )


def _method(settings: JumpSettings) -> int:
    """The number that C has for the method."""
    if settings.method is Method.SIGMA_CLIP:
        return CLIP_GROUPS if settings.only_use_ints else CLIP_ALL
    return ITERATIVE if settings.method is Method.ITERATIVE else SINGLE_PASS


def _scratch(method: int, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Columns of a tile; memory for its differences and their ranks, for columns and sets that are judged together,
    for rows that wait, and for the group until which each column is flagged."""
    integrations, groups, rows, columns = shape
    values = integrations * (groups - 1)
    width = _width(values, columns, SAMPLES_IN_FIRST_CACHE if method == ITERATIVE else SAMPLES)
    pitch = -(-width // LANES) * LANES + LANES  # lines at distances of a power of two share few lines of the cache
    together = 64 if values <= 128 else 32 if values <= 256 else 16
    length = {CLIP_GROUPS: integrations, CLIP_ALL: values}.get(method)
    row = integrations * groups * columns + values * (columns + 2)
    waiting = min(max(ROW_BYTES // max(row, 1), 3), rows + 2)
    return (
        width,
        aligned((values, pitch), np.float32),
        aligned((values, pitch), np.float32) if method == ITERATIVE else None,
        aligned((2, values, together), np.float32),
        None if length is None else aligned((2, length, together), np.float32),
        aligned((waiting, row), np.uint8),
        np.empty(columns, np.uint16),
    )


def _width(values: int, columns: int, samples: int) -> int:
    """Columns of a tile. Rows little wider than the narrowest tile are one tile: the rest would take as long."""
    if columns <= NARROWEST * 3 // 2:
        return max(columns, 1)
    width = WIDEST
    while width > NARROWEST and width * values > samples:
        width //= 2
    return width
