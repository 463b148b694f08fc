"""Saturation: ``gpipe.saturation.saturation.flag_saturation`` in one pass, row after row."""

from typing import Any

import numpy as np

from gpipe.arrays.precision import all_float32
from gpipe.kernels.native.arguments import Function, array, contiguous, integer, output
from gpipe.saturation import saturation
from gpipe.saturation.saturation import Flagged

_flag = Function(
    "saturation_flag",
    data=array(np.float32, "integrations groups rows columns"),
    groupdq=array(np.uint8, "integrations groups rows columns"),
    pixeldq=array(np.uint32, "rows columns"),
    level=array(np.float32, "rows columns"),
    level_dq=array(np.uint32, "rows columns"),
    bias=array(np.float32, "rows columns", is_optional=True),
    nframes=integer,
    unchecked=output(np.uint8, "rows columns"),
    seen=output(np.uint8, "rows columns"),
    lines=output(np.uint8, "2 depth groups columns"),
    found=output(np.uint8, "2 depth groups"),
    wide=output(np.uint8, "width"),
    reached=output(np.uint8, "columns"),
    limit=output(np.float32, "rows columns"),
    flags=output(np.uint8, "integrations groups rows columns"),
    new_dq=output(np.uint32, "rows columns"),
    counts=output(np.int32, "2 rows"),
)
_clear = Function(
    "saturation_clear_zeroframe",
    zeroframe=array(np.float32, "integrations rows columns"),
    limit=array(np.float32, "rows columns"),
    lines=output(np.uint8, "depth columns"),
    found=output(np.uint8, "depth"),
    wide=output(np.uint8, "width"),
    full=output(np.uint8, "columns"),
    cleared=output(np.float32, "integrations rows columns"),
)


def flag_saturation(
    data: np.ndarray,
    groupdq: np.ndarray,
    pixeldq: np.ndarray,
    level: np.ndarray,
    level_dq: np.ndarray,
    *,
    grow: int = 1,
    nframes: int | None = None,
    bias: np.ndarray | None = None,
    zeroframe: np.ndarray | None = None,
) -> Flagged:
    """See ``gpipe.saturation.saturation.flag_saturation``, which does other types."""
    floats = all_float32(data, level, bias, zeroframe)
    if not floats or (groupdq.dtype, pixeldq.dtype, level_dq.dtype) != (np.uint8, np.uint32, np.uint32):
        options: dict[str, Any] = {"grow": grow, "nframes": nframes, "bias": bias, "zeroframe": zeroframe}
        return saturation.flag_saturation(data, groupdq, pixeldq, level, level_dq, **options)
    (rows, columns), groups = level.shape, data.shape[1]
    grow = min(grow, max(rows, columns))  # further than any pixel
    depth, width = 2 * grow + 1, columns + 2 * grow
    unchecked, seen = np.empty((2, rows, columns), np.uint8)
    lines, found = np.empty((2, depth, groups, columns), np.uint8), np.empty((2, depth, groups), np.uint8)
    wide, line = np.empty(width, np.uint8), np.empty(columns, np.uint8)
    limit, new_dq = np.empty(level.shape, np.float32), np.empty(level.shape, np.uint32)
    flags, counts = np.empty(groupdq.shape, np.uint8), np.empty((2, rows), np.int32)
    given = [x if x is None else contiguous(x) for x in (data, groupdq, pixeldq, level, level_dq, bias)]
    _flag(*given, nframes or 0, unchecked, seen, lines, found, wide, line, limit, flags, new_dq, counts)
    return Flagged(
        groupdq=flags,
        pixeldq=new_dq,
        zeroframe=None if zeroframe is None else _cleared(contiguous(zeroframe), limit, grow),
        saturated_pixels=counts[0],
        floor_pixels=counts[1],
    )


def _cleared(zeroframe: np.ndarray, limit: np.ndarray, grow: int) -> np.ndarray:
    """The zero frame with 0 for samples that are saturated, or beside one, or at the floor."""
    depth, columns = 2 * grow + 1, limit.shape[1]
    lines, found = np.empty((depth, columns), np.uint8), np.empty(depth, np.uint8)
    wide, line, cleared = np.empty(columns + 2 * grow, np.uint8), np.empty(columns, np.uint8), np.empty_like(zeroframe)
    _clear(zeroframe, limit, lines, found, wide, line, cleared)
    return cleared
