"""Corrections of exposures, each for a kind of readout."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from gpipe.arrays import Array
from gpipe.arrays.detector import DETECTOR_SIZE
from gpipe.controller import Produced, Work
from gpipe.datamodels import Described, Ramp, Window
from gpipe.datamodels.exposures.stripes import StripePattern
from gpipe.refpix.amplifiers import AMPLIFIERS
from gpipe.refpix.border import Border
from gpipe.refpix.borders_exposure import first_row
from gpipe.refpix.correction import correct_single_amplifier, four_amplifier_signals, single_amplifier_signals
from gpipe.refpix.edgeless import EDGELESS_SUBARRAYS, assign_reference_columns
from gpipe.refpix.elsewhere_exposure import Gathered
from gpipe.refpix.miri import interleaved_signal, subtract_interleaved
from gpipe.refpix.orientation_exposure import orientation_of
from gpipe.refpix.settings import DriftSettings
from gpipe.refpix.signals import Signals, difference, subtract_signals
from gpipe.refpix.stripes import correct_stripes
from gpipe.refpix.zero_frame import correct_zero_frame

log = logging.getLogger(__name__)

DETECTOR = Window(1, 1, DETECTOR_SIZE, DETECTOR_SIZE)


def by_borders(outline: Described, borders: Mapping[str, Border], settings: DriftSettings) -> Work:
    """Make the work on chunks of a near-infrared exposure, by the signals that its borders show."""
    flags, orientation = borders["pixeldq"], orientation_of(outline.meta)
    read_by_four = _is_read_by_four(outline)
    search = four_amplifier_signals if read_by_four else single_amplifier_signals
    find = partial(search, flags=flags, orientation=orientation, settings=settings)
    arrays = {name: border.as_group() if name == "zeroframe" else border for name, border in borders.items()}
    del arrays["pixeldq"]
    signals = {name: find(border) for name, border in arrays.items()}
    if read_by_four:
        return Work(partial(_subtracted, signals=signals))
    gathered = Gathered(orientation, flags.shape[-2:])

    def apply(chunk: Ramp) -> Produced:
        counts = {"elsewhere": gathered.add(chunk)}
        return Produced((_subtracted(chunk, signals),), counts=counts)

    def fix(counts: Mapping[str, int]) -> Callable[[Ramp], Ramp] | None:
        if not counts["elsewhere"]:
            return None
        whole = {name: find(replace(border, elsewhere=gathered.of(name))) for name, border in arrays.items()}
        return partial(_subtracted, signals={name: difference(whole[name], signals[name]) for name in whole})

    return Work(apply, _found, fix)


def _found(counts: Mapping[str, int]) -> Mapping[str, int]:
    """Name the reference pixels that few exposures have."""
    return {"reference pixels away from the edges": counts["elsewhere"]} if counts["elsewhere"] else {}


def _subtracted(chunk: Ramp, signals: Mapping[str, Signals]) -> Ramp:
    first, zeroframe = first_row(chunk), chunk.zeroframe
    if zeroframe is not None:
        subtract = partial(subtract_signals, signals=signals["zeroframe"], first_row=first)
        zeroframe = correct_zero_frame(zeroframe, subtract)
    data = subtract_signals(chunk.data, signals["data"], first_row=first)
    return replace(chunk, data=data, zeroframe=zeroframe)


def by_interleaved_borders(
    borders: Mapping[str, Border], *, odd_even_rows: bool, siglimit: float
) -> Callable[[Ramp], Ramp]:
    """Make the correction of chunks of a MIRI exposure, by the drifts that its borders show."""
    border, flags = borders["data"], borders["pixeldq"]
    sides = (border.left, border.right, flags.left, flags.right)
    signal = interleaved_signal(*sides, odd_even_rows=odd_even_rows, siglimit=siglimit)
    return lambda chunk: replace(chunk, data=subtract_interleaved(chunk.data, signal, first_row=first_row(chunk)))


def without_borders(exposure: Ramp, settings: DriftSettings) -> Ramp:
    """Correct a whole exposure that reaches no edge of the detector, or is read in stripes."""
    correct = partial(
        _correction(exposure),
        pixeldq=_reference_flags(exposure),
        orientation=orientation_of(exposure.meta),
        settings=settings,
    )
    zeroframe = exposure.zeroframe
    if zeroframe is not None:
        zeroframe = correct_zero_frame(zeroframe, correct)
    return replace(exposure, data=correct(exposure.data), zeroframe=zeroframe)


def _is_read_by_four(outline: Described) -> bool:
    """Tell whether four amplifiers read an array, as they always do a full frame."""
    return outline.window == DETECTOR or outline.meta.exposure.noutputs == AMPLIFIERS


def _correction(exposure: Ramp) -> Callable[..., Array]:
    """The function for arrays that reach no edge, or are read in stripes."""
    pattern = StripePattern.of(exposure.meta)
    if pattern is not None:
        return partial(correct_stripes, lines=pattern.lines(exposure.stripe or 0))
    return correct_single_amplifier


def _reference_flags(exposure: Ramp) -> Array:
    """DQ of the pixels, with reference pixels also where a subarray has none but dark columns."""
    name = exposure.meta.subarray.name
    if exposure.window == DETECTOR or name not in EDGELESS_SUBARRAYS:
        return exposure.pixeldq
    log.info("%s reaches no edge of the detector: its outer four columns serve as reference pixels", name)
    return assign_reference_columns(exposure.pixeldq)
