"""Checks of an exposure's metadata before any work begins."""

import logging
import math
from numbers import Integral, Real
from typing import Any

from gpipe.arrays.detector import DETECTOR_SIZE
from gpipe.arrays.interleaved import is_interleaved
from gpipe.datamodels.exposures.instruments import is_irs2
from gpipe.datamodels.exposures.stripes import window_of
from gpipe.datamodels.exposures.window import full_frame
from gpipe.exceptions import InputError

log = logging.getLogger(__name__)

MOST_FRAMES = 256
"""Frames of a group that are believed: some steps rebuild each of them. JWST averages 64 at most."""
_MANY = (1 << 31) - 1
_POSITIVE = ("exposure.frame_time", "exposure.group_time")
_COUNTS = {
    "exposure.nframes": (1, MOST_FRAMES),
    "exposure.groupgap": (0, _MANY),
    "exposure.ngroups": (1, _MANY),
    "exposure.nints": (1, _MANY),
}
_OPTIONAL = {
    "exposure.frame_divisor": (1, _MANY),
    "exposure.drop_frames1": (0, _MANY),
    "exposure.integration_start": (1, _MANY),
    "exposure.integration_end": (1, _MANY),
    "exposure.noutputs": (1, _MANY),
    "subarray.num_superstripe": (0, _MANY),
}
_GAIN_FACTOR = "exposure.gain_factor"
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
    for path in (*_COUNTS, *(path for path in _OPTIONAL if _value(meta, path) is not None)):
        _check_count(meta, path, name)
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


def settle_ramp(meta: Any, shape: tuple[int, ...], name: str, *, is_open: bool) -> None:
    """Take the numbers of groups and integrations from the (integration, group, row, column) shape.

    They are where the metadata lack them, and where the caller has cut an open model. A file that contradicts itself
    is refused by `check_ramp`. Whole numbers that are written as others (6.0) become such.

    Parameters
    ----------
    is_open : whether the caller holds the model.
    """
    for path in (*_COUNTS, *_OPTIONAL, *_CORNERS, *_AXES):
        value = _value(meta, path)
        if isinstance(value, float) and value.is_integer():
            _put(meta, path, int(value))
    groups, integrations = shape[1], shape[0]
    _count_from_one(meta, integrations, name, is_open=is_open)
    first, last = meta.exposure.integration_start, meta.exposure.integration_end
    has_span = _is_count(first) and _is_count(last)
    total = meta.exposure.nints
    is_segment = has_span and (first > 1 or (_is_count(total) and total > last))
    if total is None:
        _correct(meta, "exposure.nints", last if has_span else integrations, name)
    elif is_open and not is_segment:
        _correct(meta, "exposure.nints", integrations, name)
    if meta.exposure.ngroups is None or is_open:
        _correct(meta, "exposure.ngroups", groups, name)
    if is_open and has_span:
        _correct(meta, "exposure.integration_end", first + integrations - 1, name)


def _count_from_one(meta: Any, integrations: int, name: str, *, is_open: bool) -> None:
    """Correct a span of integrations that were counted from 0: steps would take those of another integration."""
    first, last = meta.exposure.integration_start, meta.exposure.integration_end
    if _is_count(first) and first == 0 and (is_open or last in (None, integrations - 1)):
        _correct(meta, "exposure.integration_start", 1, name)
        if last is not None:
            _correct(meta, "exposure.integration_end", integrations, name)


def _correct(meta: Any, path: str, count: int, name: str) -> None:
    """Put in a count that was missing, or was another one; `check_ramp` refuses what is none at all."""
    found = _value(meta, path)
    if found != count and (found is None or _is_count(found)):
        told = "nothing" if found is None else found
        log.warning("%s: found %s for meta.%s; %d is used, as in the science array", name, told, path, count)
        _put(meta, path, count)


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _check_count(meta: Any, path: str, name: str) -> None:
    least, most = _COUNTS.get(path) or _OPTIONAL[path]
    value = _number(meta, path, name)
    wanted = f"an integer of at least {least}" if most == _MANY else f"an integer from {least} to {most}"
    _require(least <= value <= most and value == int(value), name, path, value, wanted)


def _check_instrument(meta: Any, name: str) -> None:
    instrument = _text(meta, "instrument.name", name)
    _require(full_frame(instrument) is not None, name, "instrument.name", instrument, "one of JWST's instruments")
    _text(meta, "instrument.detector", name)
    if _value(meta, _GAIN_FACTOR) is not None:
        factor = _number(meta, _GAIN_FACTOR, name)
        _require(factor > 0, name, _GAIN_FACTOR, factor, "a positive number")


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
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: found {error}; expected keywords MSTR_* and SSTR_* that describe it") from None
    if detector is None or not window.inside(detector):
        raise InputError(f"{name}: found meta.subarray with {window}; expected a part of the detector, {detector}")


def _value(meta: Any, path: str) -> Any:
    node, attribute = path.split(".")
    return getattr(getattr(meta, node), attribute, None)


def _put(meta: Any, path: str, value: Any) -> None:
    node, attribute = path.split(".")
    setattr(getattr(meta, node), attribute, value)


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
