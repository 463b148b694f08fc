"""The bkg_subtract step."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from gpipe.background.average import Clipping
from gpipe.background.combined_exposure import Background, Backgrounds
from gpipe.controller import NO_COMPANIONS, Companion, Companions, Produced, Ref, References, SideProduct, Skip, Step
from gpipe.controller import parameters as p
from gpipe.controller.plan import threads
from gpipe.datamodels import Header, Rate, open_exposure
from gpipe.datamodels.exposures.instruments import is_nirspec
from gpipe.datamodels.files.products import bare_model
from gpipe.exceptions import InputError

BY_MODEL = ("NIS_WFSS", "NRC_GRISM", "NRC_WFSS", "MIR_WFSS", "NIS_SOSS")
"""Exposures whose background is a reference file."""
SAME_TILT = 1e-8
"""Difference of tilts of NIRSpec's grating wheel for which two exposures have the same one, in degrees."""


def _has_model(meta: Any) -> bool:
    return meta.exposure.type in BY_MODEL


class BackgroundStep(Step):
    """Subtract the average of background exposures from an image."""

    alias = "bkg_subtract"
    accepts = Rate
    references = (Ref("bkg", when=_has_model), Ref("wavelengthrange", when=_has_model))
    companions = ("background",)
    by_position = ("bkg_list",)
    takes_first_product = True

    bkg_list = p.Files(None, help="Background exposures, if the input is no association that has some.")
    save_combined_background = p.Boolean(False, help="Also save the background, as a combinedbackground product.")
    sigma = p.Float(3.0, min=0, unit="sigma", help="Pixels this far from the median of all exposures are left out.")
    maxiters = p.Integer(None, min=1, help="Times that outliers are looked for; None: until there are none.")
    soss_source_percentile = p.Float(35.0, unit="%", help="Of NIRISS SOSS: pixels above this percentile have signal.")
    soss_bkg_percentile = p.FloatList(None, min=2, max=2, unit="%", help="Of NIRISS SOSS: percentiles of background.")
    wfss_mmag_extract = p.Float(None, unit="mag", help="Of WFSS: sources fainter than this count as background.")
    wfss_mask = p.Path(None, help="Of WFSS: mask of background pixels in place of that from sources.")
    wfss_maxiter = p.Integer(5, help="Of WFSS: times that outliers are looked for.")
    wfss_rms_stop = p.Float(0.0, unit="%", help="Of WFSS: stop if the noise improves by less.")
    wfss_outlier_percent = p.Float(1.0, unit="%", help="Of WFSS: pixels that are left out at either end each time.")

    def check(self, meta: Any, references: References) -> None:
        """Refuse exposures whose background is a reference file: that is still to come."""
        if _has_model(meta):
            found = f"{self.label}: found an exposure of type {meta.exposure.type}"
            raise InputError(f"{found}, whose background gpipe does not subtract yet; expected an image, or skip=True")

    def apply(self, exposure: Rate, references: References, companions: Companions = NO_COMPANIONS) -> Produced:
        found = companions["background"] or tuple(self._listed(exposure))
        if not found:
            raise Skip("found no background exposure")
        headers = [one.header(Rate) for one in found]
        if is_nirspec(exposure.meta):
            _check_tilts(exposure.meta, headers)
        clipping = Clipping(self.sigma, self.maxiters)
        backgrounds = Backgrounds(headers, exposure, clipping, with_error=self.save_combined_background)
        background = backgrounds.combined(workers=threads.inside(self, exposure))
        return Produced((subtracted(exposure, background),), tuple(self._side_products(background, exposure)))

    def _listed(self, exposure: Rate) -> Iterator[Companion]:
        """The exposures of ``bkg_list``."""
        for one in self.bkg_list or ():
            is_open = hasattr(one, "meta")
            name = str(one.meta.filename) if is_open else one
            yield Companion(name, role="bkg_list", exposure=open_exposure(one, exposure.backend) if is_open else None)

    def _side_products(self, background: Background, exposure: Rate) -> Iterator[SideProduct]:
        if self.save_combined_background:
            yield SideProduct(background_model(background, exposure), suffix="combinedbackground")


def subtracted(exposure: Rate, background: Background) -> Rate:
    """Subtract a background, where it is known, from an image or from each integration; all of its flags count."""
    return replace(exposure, data=exposure.data - background.data, dq=exposure.dq | background.dq)


def background_model(background: Background, exposure: Rate) -> Any:
    """Make a model of a background with the metadata of an exposure."""
    model, to_host = bare_model(background.data, exposure), exposure.backend.to_host
    model.err, model.dq = to_host(background.error), to_host(background.dq)
    return model


def _check_tilts(meta: Any, headers: Sequence[Header]) -> None:
    """Skip exposures of NIRSpec whose spectra lie elsewhere: those taken with another tilt of the grating wheel."""
    for header in headers:
        pairs = zip(_tilts(meta), _tilts(header.meta), strict=True)
        if any(abs(one - other) > SAME_TILT for one, other in pairs):
            found = f"{header.name} has GWA_XTIL, GWA_YTIL {_tilts(header.meta)}"
            raise Skip(f"{found}, expected those of the exposure, {_tilts(meta)}")


def _tilts(meta: Any) -> tuple[float, float]:
    return meta.instrument.gwa_xtilt or 0.0, meta.instrument.gwa_ytilt or 0.0
