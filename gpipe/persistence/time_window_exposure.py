"""Flags by time windows: times of an exposure, and windows that outlast it."""

import logging
import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from gpipe.arrays import Array
from gpipe.controller import Produced, SideProduct
from gpipe.datamodels import Ramp, Window
from gpipe.exceptions import InputError
from gpipe.persistence.persistence_windows_host import PersistenceWindows, read_windows
from gpipe.persistence.time_window import NEVER, WindowsFlagged, flag_windows, no_windows

log = logging.getLogger(__name__)

_MJD_OF_1970 = 40587.0
_DAY = 86400.0


def flag_exposure(
    exposure: Ramp,
    earlier: PersistenceWindows | None,
    *,
    seconds: int,
    threshold: float | None,
    do_not_use: bool,
    save_as: str | None,
) -> Ramp | Produced:
    """The exposure with its windows flagged, and those that outlast it in a file if ``save_as`` names one."""
    times = group_times(exposure)
    known = None if earlier is None else earlier.relative_to(exposure.window)
    last = no_windows(exposure.data) if known is None else _last_groups(known, exposure, times)
    flagged = flag_windows(
        exposure.data,
        exposure.groupdq,
        last,
        covers=[bisect_right(times, time + seconds) - 1 for time in times],
        threshold=threshold,
        do_not_use=do_not_use,
    )
    log.info("%d pixels were in a persistence window", exposure.backend.to_host(flagged.pixels))
    result = replace(exposure, groupdq=flagged.groupdq)
    if save_as is None:
        return result
    windows = _windows_after(flagged, exposure, known, times, seconds)
    # Exposures of all folders share this file, so it is where the parameter says, as with jwst.
    return Produced((result,), (SideProduct(windows, output_file=str(Path(save_as).absolute()), output_ext=".asdf"),))


def windows_before(meta: Any, path: str | None, seconds: int) -> PersistenceWindows | None:
    """The windows from before an exposure. InputError for a file that holds none of any detector."""
    if path is None:
        return None
    if not Path(path).exists():
        log.info("persistence_array_file: found no %s; no window is open before the exposure", path)
        return None
    windows = read_windows(Path(path), meta.instrument.detector)
    if windows is None:
        log.info("%s does not name %s: no window is open before the exposure", path, meta.instrument.detector)
    elif windows.seconds != seconds:
        log.warning("%s is not used: found windows of %s s, expected %s s", path, windows.seconds, seconds)
        return None
    elif windows.corner is None and not windows.inside(_window(meta)).all():
        raise InputError(f"{path}: found pixels outside the exposure; expected windows of the same subarray")
    return windows


def group_times(exposure: Ramp) -> list[float]:
    """Return the end of each group of the exposure, seconds since 1970 UTC.

    An integration starts at its time in the table of integration times. If the table lacks integrations, or has
    impossible times, integrations follow each other from the start of the exposure.
    """
    settings, (integrations, groups) = exposure.meta.exposure, exposure.data.shape[:2]
    first_to_last = (groups - 1) * settings.group_time
    length = settings.integration_time or 0.0
    if not length > first_to_last:
        length = groups * settings.group_time
    starts = _tabulated_starts(exposure)
    if starts is None or any(later - start <= first_to_last for start, later in pairwise(starts)):
        starts = [_epoch(settings.start_time) + i * length for i in range(integrations)]
    times = []
    for time in starts:
        for _ in range(groups):
            time += settings.group_time
            times.append(time)
    return times


def _tabulated_starts(exposure: Ramp) -> list[float] | None:
    """When each integration started; the exposure may be one segment of those in the table."""
    table = exposure.header.instance.get("int_times")
    if table is None:
        return None
    by_number = dict(zip(table["integration_number"], table["int_start_MJD_UTC"], strict=True))
    first = exposure.meta.exposure.integration_start or 1
    starts = [_epoch(by_number.get(first + i, math.nan)) for i in range(exposure.data.shape[0])]
    return starts if all(map(math.isfinite, starts)) else None


def _epoch(mjd: float) -> float:
    return float((mjd - _MJD_OF_1970) * _DAY)


def _window(meta: Any) -> Window:
    subarray = meta.subarray
    return Window(subarray.xstart, subarray.ystart, subarray.xsize, subarray.ysize)


def _last_groups(windows: PersistenceWindows, exposure: Ramp, times: Sequence[float]) -> Array:
    """The last group that each pixel's window covers. One that would open after the first group is from later times."""
    here = windows.only(windows.inside(exposure.window) & (windows.ends <= times[0] + windows.seconds))
    last = np.full(exposure.data.shape[-2:], NEVER, dtype=np.int32)
    last[here.rows, here.columns] = np.searchsorted(times, here.ends, side="right") - 1
    return exposure.backend.to_device(last)


def _windows_after(
    flagged: WindowsFlagged,
    exposure: Ramp,
    earlier: PersistenceWindows | None,
    times: Sequence[float],
    seconds: int,
) -> PersistenceWindows:
    """The windows that are open at the end of an exposure, also those elsewhere on the detector."""
    last, opened = (exposure.backend.to_host(plane) for plane in (flagged.last, flagged.opened))
    rows, columns = np.nonzero((last == len(times) - 1) & (opened != NEVER))
    windows = PersistenceWindows(
        detector=exposure.meta.instrument.detector,
        corner=(exposure.window.xstart, exposure.window.ystart),
        rows=rows,
        columns=columns,
        ends=np.asarray(times)[opened[rows, columns]] + seconds,
        seconds=seconds,
        exposure=exposure.meta.filename,
    )
    return windows if earlier is None else windows.and_those_of(_left(earlier, exposure, opened, times))


def _left(
    earlier: PersistenceWindows, exposure: Ramp, opened: np.ndarray, times: Sequence[float]
) -> PersistenceWindows:
    """Return the earlier windows that are still open and were not opened again."""
    inside = earlier.inside(exposure.window)
    anew = np.zeros(inside.shape, dtype=bool)
    anew[inside] = opened[earlier.rows[inside], earlier.columns[inside]] != NEVER
    from_later_times = earlier.ends > times[0] + earlier.seconds
    return earlier.only((earlier.ends >= times[-1]) & ~anew & ~from_later_times)
