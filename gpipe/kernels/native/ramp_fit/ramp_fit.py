"""Ramp fits: ``gpipe.ramp_fitting.fit.fit_ramps`` in one pass over the samples."""

import ctypes
import functools
from typing import Any

import numpy as np

from gpipe.arrays.masked_median import selection_network
from gpipe.arrays.precision import all_float32
from gpipe.kernels.native.arguments import (
    Function,
    array,
    contiguous,
    contiguous_rows,
    flag,
    integer,
    output,
    real,
)
from gpipe.kernels.native.by_rows import by_rows
from gpipe.ramp_fitting import fit
from gpipe.ramp_fitting.fit import FitOptions, RampFit, check_shapes
from gpipe.ramp_fitting.rates import Rates
from gpipe.ramp_fitting.weights import step_coefficients

PLANE, PLANES = "rows columns", "integrations rows columns"
RAMPS = "integrations groups rows columns"

_fit = Function(
    "ramp_fit",
    data=array(np.float32, RAMPS, is_strided=True),
    groupdq=array(np.uint8, RAMPS, is_strided=True),
    pixeldq=array(np.uint32, PLANE),
    readnoise=array(np.float32, PLANE),
    gain=array(np.float32, PLANE),
    dark=array(np.float32, PLANE, is_optional=True),
    zeroframe=array(np.float32, PLANES, is_optional=True, is_strided=True),
    table=array(np.float32, "coefficients"),
    network=array(np.int32, "exchanges 2"),
    first_group_time=real,
    frame_time=real,
    group_time=real,
    since_reset=real,
    since_first_frame=real,
    noise_of_group=real,
    first=integer,
    last=integer,
    suppress=flag,
    ignore_jump=flag,
    restore_lost=flag,
    first_row=integer,
    stop_row=integer,
    exposure=output(np.float32, f"4 {PLANE}"),
    exposure_dq=output(np.uint32, PLANE),
    each=output(np.float32, f"4 {PLANES}"),
    each_dq=output(np.uint32, PLANES),
    scratch=output(np.uint8, "bytes"),
)
_memory = Function("ramp_fit_memory", returns=ctypes.c_int64, integrations=integer, groups=integer, columns=integer)


def fit_ramps(
    data: Any,
    groupdq: Any,
    pixeldq: Any,
    readnoise: Any,
    gain: Any,
    *,
    options: FitOptions,
    dark_current: Any = None,
    zeroframe: Any = None,
    workers: int = 1,
) -> RampFit:
    """See ``gpipe.ramp_fitting.fit.fit_ramps``, which does all other cases: fits of all segments, and types other
    than float32; ``workers`` share the rows."""
    floats, flags = (data, readnoise, gain, dark_current, zeroframe), (groupdq, pixeldq)
    if options.segments or not data.size or not _are_of_kernel(floats, flags):
        more: dict[str, Any] = {"dark_current": dark_current, "zeroframe": zeroframe, "workers": workers}
        return fit.fit_ramps(data, groupdq, pixeldq, readnoise, gain, options=options, **more)
    check_shapes(data, groupdq=groupdq, pixeldq=pixeldq, readnoise=readnoise, gain=gain)
    integrations, groups, rows, columns = data.shape
    exposure, exposure_dq = np.empty((4, rows, columns), np.float32), np.empty((rows, columns), np.uint32)
    shape = (integrations, rows, columns)
    each, each_dq = np.empty((4, *shape), np.float32), np.empty(shape, np.uint32)
    given = (
        *(contiguous_rows(x) for x in (data, groupdq)),
        *(None if x is None else contiguous(x) for x in (pixeldq, readnoise, gain, dark_current)),
        None if zeroframe is None else contiguous_rows(zeroframe),
        _table(groups),
        _network(groups - 1),
        *_numbers(options, groups),
    )

    def fit_rows(first: int, stop: int) -> None:
        scratch = np.empty(_memory(integrations, groups, columns), np.uint8)
        _fit(*given, first, stop, exposure, exposure_dq, each, each_dq, scratch)

    by_rows(fit_rows, rows, workers)
    return RampFit(exposure=_rates(exposure, exposure_dq), integrations=_rates(each, each_dq), segments=None)


def _are_of_kernel(floats: tuple[Any, ...], flags: tuple[Any, Any]) -> bool:
    groupdq, pixeldq = flags
    return all_float32(*floats) and (groupdq.dtype, pixeldq.dtype) == (np.uint8, np.uint32)


def _numbers(options: FitOptions, groups: int) -> tuple[Any, ...]:
    """Times, noise, limits and choices, in the order of the kernel."""
    timing = options.timing
    times = (timing.first_group_time, timing.frame_time, timing.group_time)
    return (
        *(np.float32(t) for t in times),
        *(np.float32(t / timing.group_time) for t in times[:2]),
        np.float32((2.0 * timing.frames) ** -0.5),
        0 if options.first_group is None else options.first_group,
        groups - 1 if options.last_group is None else options.last_group,
        bool(options.suppress_one_group),
        bool(options.ignore_first_jump),
        bool(options.restore_charge_loss),
    )


def _rates(planes: np.ndarray, flags: np.ndarray) -> Rates:
    slope, var_poisson, var_rnoise, err = planes
    return Rates(slope=slope, dq=flags, var_poisson=var_poisson, var_rnoise=var_rnoise, err=err)


@functools.lru_cache(maxsize=8)
def _table(groups: int) -> np.ndarray:
    table: np.ndarray = step_coefficients(groups, dtype=np.float32, device="cpu", xp=np)
    table.flags.writeable = False
    return table


@functools.lru_cache(maxsize=8)
def _network(steps: int) -> np.ndarray:
    """Exchanges that bring the middle values of so many steps to their places: (exchange, 2)."""
    wanted = (max((steps - 1 - steps % 2) // 2, 0), steps // 2)
    pairs = [(low, high) for low, high, _, _ in selection_network(steps, *wanted)] if steps > 1 else []
    return np.array(pairs, np.int32).reshape(-1, 2)
