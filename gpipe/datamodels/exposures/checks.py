"""Checks of an exposure's metadata before any work begins."""

import math
from numbers import Real
from typing import Any

from gpipe.arrays.detector import DETECTOR_SIZE
from gpipe.arrays.interleaved import is_interleaved
from gpipe.datamodels.exposures.instruments import is_irs2
from gpipe.datamodels.exposures.stripes import window_of
from gpipe.datamodels.exposures.window import full_frame
from gpipe.exceptions import InputError

_POSITIVE = ("exposure.frame_time", "exposure.group_time")
_COUNTS = {"exposure.nframes": 1, "exposure.groupgap": 0, "exposure.ngroups": 1, "exposure.nints": 1}
_CORNERS = ("subarray.xstart", "subarray.ystart", "subarray.xsize", "subarray.ysize")
_AXES = ("subarray.fastaxis", "subarray.slowaxis")


def check_ramp(meta: Any, shape: tuple[int, ...], name: str) -> None:
    """Refuse ramps whose metadata are missing, not numbers, or contradict the (integration, group, row, column) shape.

    Raises
    ------
    InputError
        One line that names the input, what was found and what was expected.
    """
    _check_instrument(meta, name)
    _text(meta, "exposure.type", name)
    _text(meta, "exposure.readpatt", name)
    for path in _POSITIVE:
        value = _number(meta, path, name)
        _require(value > 0, name, path, value, "a positive time in seconds")
    for path, lowest in _COUNTS.items():
        value = _number(meta, path, name)
        _require(value >= lowest and value == int(value), name, path, value, f"an integer of at least {lowest}")
    for path in _AXES:
        value = _number(meta, path, name)
        _require(value in (-2, -1, 1, 2), name, path, value, "-2, -1, 1 or 2")
    _require(min(shape) > 0, name, "shape of the science array", shape, "at least one pixel")
    _check_counts(meta, shape, name)
    _check_window(meta, shape, name)


def check_exposure(meta: Any, shape: tuple[int, ...], name: str) -> None:
    """Refuse exposures of an unknown instrument or with a wrong window; raises `InputError`."""
    _check_instrument(meta, name)
    _check_window(meta, shape, name)


def _check_instrument(meta: Any, name: str) -> None:
    instrument = _text(meta, "instrument.name", name)
    _require(full_frame(instrument) is not None, name, "instrument.name", instrument, "one of JWST's instruments")
    _text(meta, "instrument.detector", name)


def _check_counts(meta: Any, shape: tuple[int, ...], name: str) -> None:
    ngroups, nints = meta.exposure.ngroups, meta.exposure.nints
    _require(ngroups == shape[1], name, "exposure.ngroups", ngroups, f"{shape[1]}, the groups in the science array")
    first, last = meta.exposure.integration_start, meta.exposure.integration_end
    if first is not None and last is not None:  # one segment of a long exposure
        nints = last - first + 1
    stripes = getattr(meta.subarray, "num_superstripe", None) or 1
    expected = f"a multiple of the {stripes} superstripes"
    _require(shape[0] % stripes == 0, name, "exposure.nints", nints, expected)
    _require(nints == shape[0], name, "exposure.nints", nints, f"{shape[0]}, the integrations in the science array")


def _check_window(meta: Any, shape: tuple[int, ...], name: str) -> None:
    _, _, xsize, ysize = (int(_number(meta, path, name)) for path in _CORNERS)
    rows, columns = shape[-2:]
    interleaved = ysize == DETECTOR_SIZE and is_interleaved(shape) and is_irs2(meta)
    if xsize != columns or (ysize != rows and not interleaved):
        raise InputError(
            f"{name}: found meta.subarray.xsize={xsize}, ysize={ysize}; "
            f"expected {columns} columns and {rows} rows as in the science array"
        )
    try:
        window, detector = window_of(meta), full_frame(meta.instrument.name)
    except ValueError as error:
        raise InputError(f"{name}: found {error}; expected keywords MSTR_* and SSTR_* that describe it") from None
    if detector is None or not window.inside(detector):
        raise InputError(f"{name}: found meta.subarray with {window}; expected a part of the detector, {detector}")


def _value(meta: Any, path: str) -> Any:
    node, attribute = path.split(".")
    return getattr(getattr(meta, node), attribute, None)


def _text(meta: Any, path: str, name: str) -> str:
    value = _value(meta, path)
    _require(isinstance(value, str) and bool(value.strip()), name, path, value, "a name")
    return value


def _number(meta: Any, path: str, name: str) -> float:
    value = _value(meta, path)
    good = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    _require(good, name, path, value, "a finite number")
    return value


def _require(good: bool, name: str, what: str, found: Any, expected: str) -> None:
    if not good:
        said = "nothing" if found is None else repr(found)
        label = f"meta.{what}" if "." in what else what
        raise InputError(f"{name}: found {said} for {label}; expected {expected}")
