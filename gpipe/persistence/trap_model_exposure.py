"""Trap model of an exposure: references, and the state of the traps from one exposure to the next."""

import copy
import logging
from dataclasses import replace
from math import isfinite
from typing import Any

from gpipe.arrays import Array
from gpipe.controller import Produced, References, SideProduct
from gpipe.datamodels import Ramp, Reference, Window, full_frame
from gpipe.datamodels.references.checks import contents_of
from gpipe.exceptions import InputError, ReferenceFileError
from gpipe.persistence.capture import trap_pixels
from gpipe.persistence.families import TrapFamily
from gpipe.persistence.trap_model import (
    TrapTiming,
    correct_traps,
    decayed_traps,
    empty_traps,
    put_in_frame,
)

log = logging.getLogger(__name__)

_DAY = 86400.0


def correct_exposure(
    exposure: Ramp,
    references: References,
    *,
    earlier: Reference | None,
    cutoff: float | None,
    save_persistence: bool,
    save_traps: bool,
) -> Produced:
    """Correct an exposure for persistence; also return the side products to save.

    ``earlier`` holds the filled traps at the end of an earlier exposure; None: all traps are empty.
    """
    families = trap_families(references["trappars"])
    density, full_well = references["trapdensity"], references["persat"]
    timing = _timing(exposure.meta.exposure)
    frame = None if earlier is None else _at_start(earlier, exposure, families)
    corrected = correct_traps(
        exposure.data,
        exposure.groupdq,
        exposure.pixeldq,
        empty_traps(families, exposure.data) if frame is None else frame[:, *exposure.window.slices_in(density.window)],
        trap_pixels(
            density.plane("data", exposure),
            density.plane("dq", exposure),
            full_well.plane("data", exposure),
            full_well.plane("dq", exposure),
        ),
        families=families,
        timing=timing,
        cutoff=cutoff,
        keep_persistence=save_persistence,
    )
    products = []
    if save_traps:
        products.append(_traps_product(exposure, density, frame, corrected.filled, families, timing))
    if save_persistence:
        products.append(_persistence_product(exposure, corrected.persistence))
    return Produced((replace(exposure, data=corrected.data, pixeldq=corrected.pixeldq),), tuple(products))


def trap_families(trappars: Reference) -> list[TrapFamily]:
    """The families of the reference's table, which gives rates with a minus sign."""
    table = trappars.read("trappars_table")
    if len(table) == 0:
        raise ReferenceFileError.at(trappars.name, "an empty table", "a row for each trap family")
    columns = ("capture0", "capture1", "capture2", "decay_param")
    missing = [name for name in columns if name not in (table.dtype.names or ())]
    if missing:
        raise ReferenceFileError.at(trappars.name, f"no column {', '.join(missing)}", columns)
    with contents_of(trappars, f"numbers in the columns {', '.join(columns)}"):
        rows = [[float(row[name]) for name in columns] for row in table]
    if not all(isfinite(value) for row in rows for value in row):
        raise ReferenceFileError.at(trappars.name, f"NaN or infinity among {columns}", "numbers")
    return [TrapFamily(slow, abs(capture), at_once, abs(decay)) for slow, capture, at_once, decay in rows]


def check_earlier(earlier: Reference, meta: Any, references: References) -> None:
    """Refuse filled traps that do not fit the references, or are not from before the exposure."""
    shape = (len(trap_families(references["trappars"])), *references["trapdensity"].shape("data"))
    if earlier.shape("data") != shape:
        raise InputError(
            f"input_trapsfilled {earlier.name}: found shape {earlier.shape('data')}, expected {shape}, "
            "a plane of the trapdensity reference's size for each row of the trappars reference"
        )
    if not _seconds_between(earlier, meta) >= 0:
        raise InputError(
            f"input_trapsfilled {earlier.name}: found an exposure that ended at MJD {earlier.meta.exposure.end_time}, "
            f"expected one that ended before this one started, at MJD {meta.exposure.start_time}"
        )


def _seconds_between(earlier: Reference, meta: Any) -> float:
    end, start = earlier.meta.exposure.end_time, meta.exposure.start_time
    return float("nan") if end is None or start is None or not isfinite(end) else (start - end) * _DAY


def _at_start(earlier: Reference, exposure: Ramp, families: list[TrapFamily]) -> Array:
    """Filled traps of the whole detector at the start of the exposure."""
    seconds = _seconds_between(earlier, exposure.meta)
    log.info("Traps filled by %s have decayed for %.0f s", earlier.meta.filename or earlier.name, seconds)
    return decayed_traps(exposure.backend.to_device(earlier.read("data")), families, seconds)


def _timing(settings: Any) -> TrapTiming:
    """Times of the trap model. Without keywords, a detector is reset once before each integration."""
    first, later = (1 if n is None else n for n in (settings.nresets_at_start, settings.nresets_between_ints))
    return TrapTiming(settings.group_time, first * settings.frame_time, later * settings.frame_time)


def _traps_product(
    exposure: Ramp,
    density: Reference,
    frame: Array | None,
    filled: Array,
    families: list[TrapFamily],
    timing: TrapTiming,
) -> SideProduct:
    """Filled traps of the whole detector at the end of the exposure. Those outside its window have only decayed."""
    from stdatamodels.jwst.datamodels import TrapsFilledModel

    if frame is None:
        frame = empty_traps(families, exposure.data, shape=density.shape("data"))
    elapsed = timing.exposure(*exposure.data.shape[:2])
    outside = decayed_traps(frame, families, elapsed)
    whole = put_in_frame(outside, filled, *exposure.window.slices_in(density.window))
    model = TrapsFilledModel(data=exposure.backend.to_host(whole))
    model.update(exposure.header, only="PRIMARY")
    if density.window != exposure.window:
        _describe(model, density.window)
    return SideProduct(model, suffix="trapsfilled")


def _describe(model: Any, window: Window) -> None:
    """Say that a product covers a window of the detector."""
    for name in ("xstart", "ystart", "xsize", "ysize"):
        setattr(model.meta.subarray, name, getattr(window, name))
    model.meta.subarray.name = "FULL" if window == full_frame(model.meta.instrument.name) else "GENERIC"


def _persistence_product(exposure: Ramp, persistence: Array) -> SideProduct:
    """Return the subtracted persistence as a ramp without flags."""
    model = copy.deepcopy(exposure.header)
    model.data = exposure.backend.to_host(persistence)
    return SideProduct(model, suffix="output_pers")
