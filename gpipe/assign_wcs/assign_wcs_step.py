"""The assign_wcs step."""

from collections.abc import Mapping
from typing import Any

from gpipe.assign_wcs import imaging_exposure
from gpipe.assign_wcs.modes import REFERENCES, WITHOUT_SKY
from gpipe.controller import Block, Cut, Ref, References, Skip, Step, Work
from gpipe.controller import parameters as p
from gpipe.datamodels import Described, Image, Rate
from gpipe.datamodels.files.warnings import one_thread_at_a_time
from gpipe.exceptions import ReferenceFileError


class AssignWcsStep(Step):
    """Assign a WCS, from pixels of the detector to the sky, to an exposure."""

    alias = "assign_wcs"
    accepts = (Rate, Image)
    references = tuple(Ref(reftype, optional=True) for reftype in REFERENCES)
    cut = Cut(Block.PIXELS, writes=())

    sip_approx = p.Boolean(True, help="Also describe the WCS of images by FITS keywords, approximately (SIP).")
    sip_max_pix_error = p.Float(0.01, min=0, unit="pixel", help="Greatest error of the approximation.")
    sip_degree = p.Integer(None, min=1, max=6, help="Degree of its polynomials; None for the lowest that is enough.")
    sip_max_inv_pix_error = p.Float(0.01, min=0, unit="pixel", help="Greatest error from the sky to pixels.")
    sip_inv_degree = p.Integer(None, min=1, max=6, help="Degree of its inverse polynomials; None as for sip_degree.")
    sip_npoints = p.Integer(12, min=3, help="Points along each axis in which the approximation is fitted.")
    slit_y_low = p.Float(-0.55, help="Lower edge of a slit of NIRSpec, in units of its height; not used yet.")
    slit_y_high = p.Float(0.55, help="Upper edge of a slit of NIRSpec; not used yet.")
    nrs_ifu_slice_wcs = p.Boolean(False, help="NIRSpec IFU: a WCS for each slice; not used yet.")

    def check(self, meta: Any, references: References) -> None:
        """Refuse exposures for which no WCS can be made."""
        if not self.applies(meta):
            return
        imaging_exposure.check_image(meta)
        if references.get("distortion") is None:
            raise ReferenceFileError(f"{self.name}: found N/A as distortion reference, expected a file")

    def reason_to_skip(self, outline: Described, references: References) -> str | None:
        return f"no WCS for {outline.meta.exposure.type}" if not self.applies(outline.meta) else None

    def applies(self, meta: Any) -> bool:
        return meta.exposure.type not in WITHOUT_SKY

    def begin(self, outline: Described, references: References, summary: Mapping[str, Any]) -> Work:
        if not self.applies(outline.meta):
            raise Skip(f"no WCS is made for EXP_TYPE {outline.meta.exposure.type}")
        with one_thread_at_a_time():
            wcs = imaging_exposure.make_wcs(outline, references)
            imaging_exposure.set_wcs(outline.meta, wcs)
            if self.sip_approx:
                imaging_exposure.set_approximation(outline.meta, wcs, self._approximation())
        return Work(Image.of)

    def _approximation(self) -> Mapping[str, Any]:
        return {
            "max_error": self.sip_max_pix_error,
            "degree": self.sip_degree,
            "max_inverse_error": self.sip_max_inv_pix_error,
            "inverse_degree": self.sip_inv_degree,
            "points": self.sip_npoints,
        }
