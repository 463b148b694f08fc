"""The refpix step."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from gpipe.arrays import Array
from gpipe.arrays.detector import DETECTOR_SIZE
from gpipe.arrays.interleaved import is_interleaved
from gpipe.controller import Block, Preview, References, Skip, Step, Work
from gpipe.controller import parameters as p
from gpipe.controller.plan import threads
from gpipe.datamodels import Ramp, SuperstripeRamp, Window
from gpipe.datamodels.exposures.instruments import is_irs2, is_miri
from gpipe.datamodels.exposures.stripes import StripePattern, window_of
from gpipe.datamodels.exposures.window import full_frame
from gpipe.exceptions import InputError
from gpipe.refpix.amplifiers import AMPLIFIERS
from gpipe.refpix.border import Border
from gpipe.refpix.border_pieces import border_of, border_pieces
from gpipe.refpix.correction import correct_single_amplifier, four_amplifier_signals, single_amplifier_signals
from gpipe.refpix.edgeless import EDGELESS_SUBARRAYS, assign_reference_columns
from gpipe.refpix.irs2.irs2_exposure import Irs2Settings, apply_irs2, check_irs2
from gpipe.refpix.miri import interleaved_signal, subtract_interleaved
from gpipe.refpix.orientation_exposure import orientation_of
from gpipe.refpix.settings import DriftSettings
from gpipe.refpix.signals import Signals, subtract_signals
from gpipe.refpix.sirs_exposure import applies_to, check_kernels, side_kernels
from gpipe.refpix.stripes import correct_stripes
from gpipe.refpix.superstripes_exposure import put_together
from gpipe.refpix.zero_frame import correct_zero_frame

log = logging.getLogger(__name__)

DETECTOR = Window(1, 1, DETECTOR_SIZE, DETECTOR_SIZE)
BORDERS, SIDES = ("data", "pixeldq", "zeroframe"), ("bottom", "top", "left", "right")
"""The arrays whose border is looked at, and the sides of a border."""
SIRS_ONLY = "Used by refpix_algorithm='sirs' only."
IRS2_ONLY = "Used for NIRSpec IRS2 readout only."


class RefPixStep(Step):
    """Subtract the drifts of amplifiers and rows that the reference pixels show."""

    class_alias = "refpix"
    accepts = (Ramp, SuperstripeRamp)
    takes_superstripes_whole = True
    changes = ("data", "zeroframe")
    summarized = ("data", "pixeldq", "zeroframe")
    preview = Preview.BORDER
    reference_file_types = ("refpix", "sirskernel")
    optional_references = ("refpix", "sirskernel")
    expects = ("dq_init",)
    expects_near_infrared = ("superbias",)

    odd_even_columns = p.Boolean(True, help="Treat odd and even columns of an amplifier apart.")
    use_side_ref_pixels = p.Boolean(True, help="Subtract the noise of rows that the side reference pixels show.")
    side_smoothing_length = p.Integer(
        11, min=1, max=2 * DETECTOR_SIZE - 1, unit="row", help="Window of the running median along the side pixels."
    )
    side_gain = p.Float(1.0, help="Factor on the row noise before it is subtracted.")
    odd_even_rows = p.Boolean(True, help="Treat odd and even rows apart. Used for MIRI only.")
    ovr_corr_mitigation_ftr = p.Float(3.0, help=f"Factor against overcorrection by bad reference pixels. {IRS2_ONLY}")
    preserve_irs2_refpix = p.Boolean(False, help=f"Keep the reference pixels in the product. {IRS2_ONLY}")
    irs2_mean_subtraction = p.Boolean(False, help=f"Subtract amplifier means first. {IRS2_ONLY}")
    refpix_algorithm = p.Option("median", ("median", "sirs"), help="How side pixels of a full frame give row noise.")
    sigreject = p.Float(4.0, min=0, unit="sigma", help=f"Threshold of outliers. {SIRS_ONLY}")
    gaussmooth = p.Float(
        1.0, min=0, unit="row", help=f"Width of the Gaussian that kernels are smoothed with; 0: not at all. {SIRS_ONLY}"
    )
    halfwidth = p.Integer(
        30, min=0, max=DETECTOR_SIZE // 2 - 1, unit="row", help=f"Half-width of the convolution kernels. {SIRS_ONLY}"
    )
    siglimit = p.Float(3.0, min=0, unit="sigma", help="Where the means of an amplifier's reference pixels are clipped.")

    def wanted_references(self, meta: Any) -> Sequence[str]:
        """``refpix`` for NIRSpec IRS2 readout, ``sirskernel`` for SIRS; headers name no other."""
        if is_irs2(meta):
            return ("refpix",)
        return ("sirskernel",) if self.refpix_algorithm == "sirs" and applies_to(meta) else ()

    def check(self, meta: Any, references: References) -> None:
        if "sirskernel" in self.wanted_references(meta):
            check_kernels(meta.instrument.detector, references.sirskernel)
        if is_miri(meta):
            return
        if is_irs2(meta):
            check_irs2(meta, references.refpix)
        try:
            orientation_of(meta)
        except ValueError as error:
            raise InputError(f"refpix: {error}") from None

    def apply(self, exposure: Ramp | SuperstripeRamp, references: References) -> Ramp:
        """The corrected ramps; superstripes are put together after that."""
        if isinstance(exposure, SuperstripeRamp):
            return put_together(exposure.by_stripe(lambda stripe: self._corrected(stripe, references)))
        return self._corrected(exposure, references)

    def applies(self, meta: Any) -> bool:
        """Of MIRI only full frames are corrected."""
        return not is_miri(meta) or window_of(meta) == full_frame("MIRI")

    def block(self, meta: Any) -> Block:
        """Rows, where signals come from the border of the array and go to rows of the detector."""
        return Block.ROWS if self._from_border(meta) else Block.EXPOSURE

    def summarize(self, chunk: Ramp) -> Mapping[str, Array]:
        if not (self._from_border(chunk.meta) and self.applies(chunk.meta)):
            return {}
        first = _first_row(chunk), chunk.columns.start if chunk.columns else 0
        where = {"first": first, "shape": (chunk.meta.subarray.ysize, chunk.meta.subarray.xsize)}
        arrays = {name: getattr(chunk, name) for name in BORDERS if getattr(chunk, name) is not None}
        return {
            f"{name} {side}": values for name, x in arrays.items() for side, values in border_pieces(x, **where).items()
        }

    def begin(self, outline: Any, references: References, summary: Mapping[str, Any]) -> Work:
        if not self.applies(outline.meta):
            raise Skip(f"SUBARRAY is {outline.meta.subarray.name}; of MIRI only full frames are corrected")
        borders = {name: _border(name, summary) for name in BORDERS if f"{name} left" in summary}
        kernels = self._kernels(outline, references)
        if is_miri(outline.meta):
            subtract = self._drifts_miri(borders["data"], borders["pixeldq"])
            return Work(lambda chunk: replace(chunk, data=subtract(chunk.data, first_row=_first_row(chunk))))
        find = partial(
            _signals_of(outline),
            flags=borders["pixeldq"],
            orientation=orientation_of(outline.meta),
            settings=self._settings(kernels),
        )
        signals = find(borders["data"])
        of_zero = [find(borders[name].as_group()) for name in borders if name == "zeroframe"]

        def apply(chunk: Ramp) -> Ramp:
            first, zeroframe = _first_row(chunk), chunk.zeroframe
            if zeroframe is not None:
                correct = partial(subtract_signals, signals=of_zero[0], first_row=first)
                zeroframe = correct_zero_frame(zeroframe, correct)
            return replace(chunk, data=subtract_signals(chunk.data, signals, first_row=first), zeroframe=zeroframe)

        return Work(apply)

    def _from_border(self, meta: Any) -> bool:
        edgeless = meta.subarray.name in EDGELESS_SUBARRAYS and not is_miri(meta)
        return not (is_irs2(meta) or edgeless or StripePattern.of(meta) is not None)

    def _corrected(self, exposure: Ramp, references: References) -> Ramp:
        if is_interleaved(exposure.data.shape):
            settings = self._irs2_settings(exposure)
            return apply_irs2(exposure, orientation_of(exposure.meta), references.refpix, settings)
        if self._from_border(exposure.meta):
            return self.begin(exposure, references, self.summarize(exposure)).whole(exposure)
        correct = partial(
            _correction(exposure),
            pixeldq=_reference_flags(exposure),
            orientation=orientation_of(exposure.meta),
            settings=self._settings(),
        )
        zeroframe = exposure.zeroframe
        if zeroframe is not None:
            zeroframe = correct_zero_frame(zeroframe, correct)
        return replace(exposure, data=correct(exposure.data), zeroframe=zeroframe)

    def _drifts_miri(self, border: Border, flags: Border) -> Callable[..., Array]:
        sides = (border.left, border.right, flags.left, flags.right)
        signal = interleaved_signal(*sides, odd_even_rows=self.odd_even_rows, siglimit=self.siglimit)
        return partial(subtract_interleaved, signal=signal)

    def _irs2_settings(self, exposure: Ramp) -> Irs2Settings:
        return Irs2Settings(
            bad_read_limit=self.ovr_corr_mitigation_ftr,
            subtract_means=self.irs2_mean_subtraction,
            odd_even_columns=self.odd_even_columns,
            siglimit=self.siglimit,
            keep_reference_pixels=self.preserve_irs2_refpix,
            workers=threads.inside(self, exposure),
        )

    def _settings(self, side_kernels: Array | None = None) -> DriftSettings:
        return DriftSettings(
            odd_even_columns=self.odd_even_columns,
            siglimit=self.siglimit,
            use_side_ref_pixels=self.use_side_ref_pixels,
            side_smoothing_length=self.side_smoothing_length,
            side_gain=self.side_gain,
            side_kernels=side_kernels,
            sigreject=self.sigreject,
        )

    def _kernels(self, outline: Any, references: References) -> Array | None:
        """The kernels of SIRS; None where row noise is found without it."""
        if "sirskernel" in self.wanted_references(outline.meta):
            given = references.sirskernel
            return side_kernels(outline, given, gaussmooth=self.gaussmooth, halfwidth=self.halfwidth)
        if self.refpix_algorithm == "sirs":
            log.info("SIRS is for full frames of the near infrared; this exposure is corrected without it")
        return None


def _signals_of(outline: Any) -> Callable[..., Signals]:
    """The search for signals of this kind of readout. A full frame is always read through four amplifiers."""
    by_four = outline.window == DETECTOR or outline.meta.exposure.noutputs == AMPLIFIERS
    return four_amplifier_signals if by_four else single_amplifier_signals


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


def _border(name: str, summary: Mapping[str, Any]) -> Border:
    return border_of({side: summary[f"{name} {side}"] for side in SIDES})


def _first_row(chunk: Ramp) -> int:
    return chunk.rows.start if chunk.rows else 0
