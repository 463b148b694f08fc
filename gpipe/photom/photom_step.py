"""The photom step."""

import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from gpipe.controller import Block, Cut, Ref, References, Skip, Step, Work
from gpipe.controller import parameters as p
from gpipe.datamodels import Described, Image, Rate, Reference
from gpipe.datamodels.exposures.instruments import is_nirspec
from gpipe.datamodels.references.types import PIXEL_AREAS
from gpipe.exceptions import InputError
from gpipe.photom.conversion import MICROJANSKYS, convert
from gpipe.photom.factor_exposure import check_photom, factor_of

log = logging.getLogger(__name__)

SPECTRA = (
    *("NRC_WFSS", "NRC_GRISM", "NRC_TSGRISM", "NIS_WFSS"),
    *("MIR_LRS-FIXEDSLIT", "MIR_LRS-SLITLESS", "MIR_MRS", "MIR_WFSS"),
)
SOSS = "NIS_SOSS"
COUNT_RATE, BRIGHTNESS = "DN/s", "MJy/sr"


class PhotomStep(Step):
    """Convert count rates to surface brightness, and take over the areas of pixels."""

    alias = "photom"
    accepts = (Rate, Image)
    references = (Ref("photom"), Ref("area", optional=True))
    after = ("flat_field",)
    cut = Cut(Block.PIXELS, writes=("data", "err", "dq", "var_poisson", "var_rnoise", "var_flat", "area"))

    inverse = p.Boolean(False, help="Divide by the factor, to undo the step.")
    source_type = p.String(None, help="Type of the source of a spectrum; it has no effect on images.")
    apply_time_correction = p.Boolean(True, help="Correct for the loss of throughput with time, if it is known.")

    def check(self, meta: Any, references: References) -> None:
        if is_nirspec(meta) or meta.exposure.type in SPECTRA:
            expected = "an image: spectra, and exposures of NIRSpec, are not built yet"
            raise InputError(f"{self.label}: found EXP_TYPE {meta.exposure.type}, expected {expected}")
        photom = references.get("photom")
        if photom is not None and meta.exposure.type != SOSS:
            check_photom(photom)
            with suppress(Skip):
                factor_of(meta, photom, with_time=self.apply_time_correction)

    def reason_to_skip(self, outline: Described, references: References) -> str | None:
        try:
            self._factor(outline, references["photom"])
        except Skip as skip:
            return skip.reason
        return None

    def begin(self, outline: Described, references: References, summary: Mapping[str, Any]) -> Work:
        meta, photom = outline.meta, references["photom"]
        areas = None if meta.exposure.type == SOSS else references.get("area")
        factor, skipped = None, None
        try:
            factor = self._factor(outline, photom)
        except Skip as skip:
            skipped = skip

        def apply(chunk: Rate) -> Image:
            image = Image.of(chunk)
            if areas is not None:
                image = replace(image, area=areas.plane("data", image))
            return image if factor is None else self._converted(image, float(factor))

        def end(counts: Mapping[str, Any]) -> Mapping[str, int]:
            if meta.exposure.type != SOSS:
                _record_areas(meta, [areas, photom])
            if factor is not None:
                self._record(meta, factor)
            return {}

        return Work(apply, end, skipped=skipped)

    def _factor(self, outline: Described, photom: Reference) -> Any:
        """Find the factor, a number of NumPy. Skip: there is none for the exposure."""
        meta, is_cube = outline.meta, len(outline.shape) == 3
        if meta.exposure.type == SOSS or (is_cube and meta.instrument.name == "NIRISS"):
            kind = "spectra of SOSS before they are extracted" if meta.exposure.type == SOSS else "cubes of NIRISS"
            raise Skip(f"{kind} are not converted", logging.ERROR)
        return factor_of(meta, photom, with_time=self.apply_time_correction)

    def _converted(self, image: Image, factor: float) -> Image:
        values, variances = (image.data, image.err), (image.var_poisson, image.var_rnoise, image.var_flat)
        function = image.backend.native(convert)
        return replace(image, **vars(function(values, variances, image.dq, factor=factor, inverse=self.inverse)))

    def _record(self, meta: Any, factor: Any) -> None:
        log.info("PHOTMJSR is %.6g", factor)
        meta.photometry.conversion_megajanskys = float(factor)
        meta.photometry.conversion_microjanskys = float(factor * MICROJANSKYS)
        meta.bunit_data = meta.bunit_err = COUNT_RATE if self.inverse else BRIGHTNESS


def _record_areas(meta: Any, references: Iterable[Reference | None]) -> None:
    """Take over the nominal area of a pixel from the first reference that tells it."""
    for path in PIXEL_AREAS:
        told = (reference.number(path) for reference in references if reference is not None)
        setattr(meta.photometry, path.partition(".")[2], next((area for area in told if area is not None), None))
