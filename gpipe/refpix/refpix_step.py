"""The refpix step."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from gpipe.arrays import Array
from gpipe.arrays.interleaved import is_interleaved
from gpipe.controller import References, Skip, Step
from gpipe.controller import parameters as p
from gpipe.datamodels import Ramp, SuperstripeRamp, Window
from gpipe.datamodels.stripes import StripePattern, window_of
from gpipe.datamodels.window import full_frame
from gpipe.exceptions import InputError
from gpipe.refpix.amplifiers import AMPLIFIERS
from gpipe.refpix.correction import correct_four_amplifiers, correct_single_amplifier
from gpipe.refpix.edgeless import EDGELESS_SUBARRAYS, assign_reference_columns
from gpipe.refpix.irs2_step import apply_irs2, check_irs2
from gpipe.refpix.miri import correct_interleaved_amplifiers
from gpipe.refpix.orientation import DETECTOR_SIZE, Orientation
from gpipe.refpix.sirs_step import applies_to, check_kernels, side_kernels
from gpipe.refpix.stripes import correct_stripes
from gpipe.refpix.superstripes_step import put_together
from gpipe.refpix.zero_frame import correct_zero_frame

log = logging.getLogger(__name__)

DETECTOR = Window(1, 1, DETECTOR_SIZE, DETECTOR_SIZE)
SIRS_ONLY = "Used by refpix_algorithm='sirs' only."
IRS2_ONLY = "Used for NIRSpec IRS2 readout only."


class RefPixStep(Step):
    """Subtract the drifts of amplifiers and rows that the reference pixels show."""

    class_alias = "refpix"
    accepts = (Ramp, SuperstripeRamp)
    takes_superstripes_whole = True
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
        return ("sirskernel",) if self._by_sirs(meta) else ()

    def check(self, meta: Any, references: References) -> None:
        if self._by_sirs(meta) and not is_irs2(meta):
            check_kernels(meta.instrument.detector, references.sirskernel)
        if is_miri(meta):
            return
        if is_irs2(meta):
            check_irs2(meta, references.refpix)
        try:
            _orientation(meta)
        except ValueError as error:
            raise InputError(f"refpix: {error}") from None

    def apply(self, exposure: Ramp | SuperstripeRamp, references: References) -> Ramp:
        """The corrected ramps; superstripes are put together after that."""
        if isinstance(exposure, SuperstripeRamp):
            return put_together(exposure.by_stripe(lambda stripe: self._corrected(stripe, references)))
        return self._corrected(exposure, references)

    def _corrected(self, exposure: Ramp, references: References) -> Ramp:
        if is_miri(exposure.meta):
            return self._corrected_miri(exposure)
        if is_interleaved(exposure.data.shape):
            return apply_irs2(self, exposure, _orientation(exposure.meta), references.refpix)
        correct = partial(
            self._correction(exposure, references),
            pixeldq=self._reference_flags(exposure),
            orientation=_orientation(exposure.meta),
            odd_even_columns=self.odd_even_columns,
            siglimit=self.siglimit,
        )
        zeroframe = exposure.zeroframe
        if zeroframe is not None:
            zeroframe = correct_zero_frame(zeroframe, correct)
        return replace(exposure, data=correct(exposure.data), zeroframe=zeroframe)

    def _corrected_miri(self, exposure: Ramp) -> Ramp:
        if exposure.window != full_frame("MIRI"):
            raise Skip(f"SUBARRAY is {exposure.meta.subarray.name}; of MIRI only full frames are corrected")
        if self.refpix_algorithm == "sirs":
            log.info("SIRS is not for MIRI")
        data = correct_interleaved_amplifiers(
            exposure.data, exposure.pixeldq, odd_even_rows=self.odd_even_rows, siglimit=self.siglimit
        )
        return replace(exposure, data=data)

    def _by_sirs(self, meta: Any) -> bool:
        return self.refpix_algorithm == "sirs" and applies_to(meta)

    def _correction(self, exposure: Ramp, references: References) -> Callable[..., Array]:
        """The function for this kind of readout. A full frame is always read through four amplifiers."""
        pattern = StripePattern.of(exposure.meta)
        if pattern is not None:
            return partial(correct_stripes, lines=pattern.lines(exposure.stripe or 0))
        if exposure.window != DETECTOR and exposure.meta.exposure.noutputs != AMPLIFIERS:
            return correct_single_amplifier
        return partial(
            correct_four_amplifiers,
            use_side_ref_pixels=self.use_side_ref_pixels,
            side_smoothing_length=self.side_smoothing_length,
            side_gain=self.side_gain,
            side_kernels=self._kernels(exposure, references),
            sigreject=self.sigreject,
        )

    def _kernels(self, exposure: Ramp, references: References) -> Array | None:
        if not self._by_sirs(exposure.meta):
            if self.refpix_algorithm == "sirs":
                log.info("SIRS is for full frames; side pixels of other exposures go through a running median")
            return None
        given = references.sirskernel
        return side_kernels(exposure, given, gaussmooth=self.gaussmooth, halfwidth=self.halfwidth)

    @staticmethod
    def _reference_flags(exposure: Ramp) -> Array:
        """DQ of the pixels, with reference pixels also where a subarray has none but dark columns."""
        name = exposure.meta.subarray.name
        if exposure.window == DETECTOR or name not in EDGELESS_SUBARRAYS:
            return exposure.pixeldq
        log.info("%s reaches no edge of the detector: its outer four columns serve as reference pixels", name)
        return assign_reference_columns(exposure.pixeldq)


def is_miri(meta: Any) -> bool:
    """Whether the detector is one of MIRI's."""
    return str(meta.instrument.name).upper() == "MIRI"


def is_irs2(meta: Any) -> bool:
    """Whether the read pattern is one of NIRSpec's IRS2 patterns."""
    return "IRS2" in str(meta.exposure.readpatt)


def _orientation(meta: Any) -> Orientation:
    subarray = meta.subarray
    window = window_of(meta)
    return Orientation.of_window(
        subarray.fastaxis,
        subarray.slowaxis,
        xstart=window.xstart,
        ystart=window.ystart,
        xsize=window.xsize,
        ysize=window.ysize,
    )
