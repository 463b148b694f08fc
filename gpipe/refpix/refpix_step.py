"""The refpix step."""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from gpipe.arrays import Array
from gpipe.arrays.detector import DETECTOR_SIZE
from gpipe.arrays.interleaved import is_interleaved
from gpipe.controller import Block, Cut, Preview, Ref, References, Skip, Step, SummaryOf, Work
from gpipe.controller import parameters as p
from gpipe.controller.plan import threads
from gpipe.datamodels import Described, Ramp, Superstripes
from gpipe.datamodels.exposures.instruments import MIRI, OTHERS, is_irs2, is_miri
from gpipe.datamodels.exposures.stripes import window_of
from gpipe.datamodels.exposures.window import full_frame
from gpipe.exceptions import InputError
from gpipe.refpix.borders_exposure import borders_in, shows_all_in_border, summarize_borders
from gpipe.refpix.correction_exposure import by_borders, by_interleaved_borders, without_borders
from gpipe.refpix.irs2.irs2_exposure import apply_irs2, check_irs2, irs2_settings, irs2_workspace
from gpipe.refpix.orientation_exposure import orientation_of
from gpipe.refpix.settings import drift_settings
from gpipe.refpix.sirs_exposure import applies_to, check_kernels, side_kernels
from gpipe.refpix.superstripes_exposure import put_together

log = logging.getLogger(__name__)

SIRS_ONLY = "Used by refpix_algorithm='sirs' only."
IRS2_ONLY = "Used for NIRSpec IRS2 readout only."


class RefPixStep(Step):
    """Subtract the drifts of amplifiers and rows that the reference pixels show."""

    alias = "refpix"
    accepts = (Ramp, Superstripes)
    references = (Ref("refpix", optional=True), Ref("sirskernel", optional=True))
    after: ClassVar = {MIRI: ("dq_init",), OTHERS: ("dq_init", "superbias")}
    cut = Cut(
        Block.ROWS,
        writes=("data", "zeroframe"),
        summary=SummaryOf(("data", "pixeldq", "zeroframe"), preview=Preview.BORDER),
    )

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
            check_kernels(meta.instrument.detector, references.get("sirskernel"))
        if is_miri(meta):
            return
        if is_irs2(meta):
            check_irs2(meta, references.get("refpix"))
        try:
            orientation_of(meta)
        except ValueError as error:
            raise InputError(f"refpix: {error}") from None

    def applies(self, meta: Any) -> bool:
        """Of MIRI only full frames are corrected."""
        return not is_miri(meta) or window_of(meta) == full_frame("MIRI")

    def overwrites(self, meta: Any) -> bool:
        """IRS2 readout is corrected in its place."""
        return is_irs2(meta) and type(self).apply is RefPixStep.apply

    def workspace(self, shape: Sequence[int]) -> int:
        if is_interleaved(tuple(shape)):
            return irs2_workspace(shape, workers=threads.of_steps([self]))
        return super().workspace(shape)

    def block(self, meta: Any) -> Block:
        """Rows, where signals come from the border of the array and go to rows of the detector."""
        return Block.ROWS if shows_all_in_border(meta) else Block.EXPOSURE

    def summarize(self, chunk: Ramp) -> Mapping[str, Array]:
        shown = shows_all_in_border(chunk.meta) and self.applies(chunk.meta)
        return summarize_borders(chunk) if shown else {}

    def begin(self, outline: Described, references: References, summary: Mapping[str, Any]) -> Work:
        if not self.applies(outline.meta):
            raise Skip(f"SUBARRAY is {outline.meta.subarray.name}; of MIRI only full frames are corrected")
        if not shows_all_in_border(outline.meta):
            return Work(partial(self._corrected, references=references))
        borders, kernels = borders_in(summary), self._kernels(outline, references)
        if is_miri(outline.meta):
            return Work(by_interleaved_borders(borders, odd_even_rows=self.odd_even_rows, siglimit=self.siglimit))
        return by_borders(outline, borders, drift_settings(self.get_pars(), kernels))

    def _corrected(self, exposure: Ramp | Superstripes, references: References) -> Ramp:
        """Correct ramps as a whole; superstripes are put together after that."""
        if isinstance(exposure, Superstripes):
            return put_together(exposure.map(lambda stripe: self._corrected(stripe, references)))
        if is_interleaved(exposure.data.shape):
            settings = irs2_settings(self.get_pars(), workers=threads.inside(self, exposure))
            return apply_irs2(exposure, orientation_of(exposure.meta), references.get("refpix"), settings)
        return without_borders(exposure, drift_settings(self.get_pars()))

    def _kernels(self, outline: Described, references: References) -> Array | None:
        """The kernels of SIRS; None where row noise is found without it."""
        if "sirskernel" in self.wanted_references(outline.meta):
            given = references.get("sirskernel")
            return side_kernels(outline, given, gaussmooth=self.gaussmooth, halfwidth=self.halfwidth)
        if self.refpix_algorithm == "sirs":
            log.info("SIRS is for full frames of the near infrared; this exposure is corrected without it")
        return None
