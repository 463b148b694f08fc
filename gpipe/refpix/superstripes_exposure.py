"""Assembly of superstripes: the position of each line, and the metadata of the whole exposure."""

import logging
from typing import Any

import numpy as np

from gpipe.datamodels import Ramp, Superstripes, window_of
from gpipe.datamodels.exposures.stripes import StripePattern, extent
from gpipe.refpix.orientation_exposure import orientation_of
from gpipe.refpix.superstripes import NOTHING, Mosaic, assemble

log = logging.getLogger(__name__)

PIXEL_TIME = 1e-5
ROW_PAUSE = 12
"""Pixel times between two lines."""
_KEYWORDS = (
    "multistripe_reads1",
    "multistripe_reads2",
    "multistripe_skips1",
    "multistripe_skips2",
    "repeat_stripe",
    "interleave_reads1",
    "num_superstripe",
    "superstripe_step",
)
_TIMES = [f"int_{when}_{scale}" for scale in ("MJD_UTC", "BJD_TDB") for when in ("start", "mid", "end")]


def put_together(exposure: Superstripes) -> Ramp:
    """Assemble the ramps of the whole exposure, with their metadata, integration times and read times."""
    meta = exposure.meta
    pattern = StripePattern.of(meta)
    assert pattern is not None
    window = window_of(meta)
    mosaic = Mosaic(
        pattern.count,
        line_sources(pattern, str(meta.subarray.name)),
        orientation_of(meta),
    )
    whole = assemble(exposure.data, exposure.groupdq, exposure.pixeldq, exposure.zeroframe, mosaic=mosaic)
    log.info("%d superstripes put together to %s", pattern.count, window)
    header = _header(exposure, pattern, whole.data.shape)
    return Ramp(
        header,
        exposure.backend,
        data=whole.data,
        groupdq=whole.groupdq,
        pixeldq=whole.pixeldq,
        zeroframe=whole.zeroframe,
    )


def line_sources(pattern: StripePattern, name: str) -> list[list[int]]:
    """Find, for each repeat and each line of the whole exposure, its source among the lines of all superstripes."""
    first, size = extent(pattern, name)
    stripes = [[run for run in pattern.runs(stripe) if not run.reference] for stripe in range(pattern.count)]
    sources = [[NOTHING] * size for _ in stripes[0]]
    for number, runs in enumerate(stripes):
        for source, run in zip(sources, runs, strict=True):
            start = number * pattern.size + run.position
            source[run.line - first : run.line - first + run.length] = range(start, start + run.length)
    return sources


def _header(exposure: Superstripes, pattern: StripePattern, shape: tuple[int, ...]) -> Any:
    """A RampModel without pixels that tells of one window of the detector."""
    from stdatamodels.jwst.datamodels import RampModel

    window = window_of(exposure.meta)
    header = RampModel()
    header.update(exposure.header)
    _condense_times(exposure.header, header, pattern.count)
    settings, subarray = header.meta.exposure, header.meta.subarray
    settings.integration_start = _whole(settings.integration_start or 1, pattern.count)
    settings.integration_end = _whole(settings.integration_end or settings.nints, pattern.count)
    settings.nints = _whole(settings.nints, pattern.count)
    settings.ngroups = shape[1]
    if shape[1] != exposure.data.shape[1]:
        settings.read_times = read_times(exposure.meta)
    for name in _KEYWORDS:
        setattr(subarray, name, None)
    for name in ("xstart", "ystart", "xsize", "ysize"):
        setattr(subarray, name, getattr(window, name))
    return header


def _whole(stripes: int, count: int) -> int:
    """Integrations that so many stripes belong to."""
    return -(-stripes // count)


def _condense_times(source: Any, header: Any, count: int) -> None:
    """Move INT_TIMES of the stripes to a separate table; make those of integrations from the first and last stripe."""
    table = source.instance.get("int_times")
    if table is None or len(table) == 0:
        return
    rows = np.asarray(table)
    begin = _whole(source.meta.exposure.integration_start or 1, count)
    stripes = np.zeros(len(rows), dtype=header.get_dtype("int_times_stripe"))
    number = np.arange(len(rows))
    stripes[stripes.dtype.names[0]], stripes[stripes.dtype.names[1]] = number // count + begin, number % count + 1
    for name in _TIMES:
        stripes[name] = rows[name]
    whole = rows[::count].copy()[: len(rows) // count]
    whole["integration_number"] = np.arange(len(whole)) + begin
    for scale in ("MJD_UTC", "BJD_TDB"):
        ends = rows[f"int_end_{scale}"][count - 1 :: count]
        starts = whole[f"int_start_{scale}"]
        whole[f"int_end_{scale}"] = ends
        whole[f"int_mid_{scale}"] = (ends - starts) / 2 + starts
    header.int_times, header.int_times_stripe = whole, stripes


def read_times(meta: Any) -> list[list[float]]:
    """When each stripe of each group was read, for each of the frames that are averaged; seconds from the reset."""
    exposure, subarray = meta.exposure, meta.subarray
    along_rows = abs(subarray.slowaxis) == 2
    lines, columns = (subarray.ysize, subarray.xsize) if along_rows else (subarray.xsize, subarray.ysize)
    outputs = exposure.noutputs
    line = columns / outputs + ROW_PAUSE
    pause, extra = (1, 1) if outputs == 4 else (2 if outputs == 1 and columns >= 9 else 3, 0)
    stripe_lines = (subarray.multistripe_reads1 or 0) + (subarray.multistripe_reads2 or 0)
    frame = (line * (lines + pause) + extra) * PIXEL_TIME
    first = (line * (stripe_lines + pause) + extra) * PIXEL_TIME
    steps = [first] + [line * stripe_lines * PIXEL_TIME] * (lines // stripe_lines - 1)
    times, elapsed = [], 0.0
    for _ in range(exposure.ngroups):
        for step in steps:
            times.append([elapsed + step + number * frame for number in range(exposure.nframes)])
            elapsed += step
        elapsed += frame * (exposure.nframes - 1 + exposure.groupgap)
    return times
