"""The second stage of images: from count rates to calibrated exposures with a WCS."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from gpipe.assign_wcs import AssignWcsStep
from gpipe.background import BackgroundStep
from gpipe.controller import Pipeline, Step
from gpipe.controller import parameters as p
from gpipe.controller.declaration.given import Given
from gpipe.datamodels import Exposure, Rate
from gpipe.datamodels.exposures.instruments import is_nirspec
from gpipe.exceptions import InputError
from gpipe.flatfield import FlatFieldStep
from gpipe.photom import PhotomStep
from gpipe.resample import ResampleStep

RESAMPLED = ("MIR_IMAGE", "NRC_IMAGE", "NIS_IMAGE", "FGS_IMAGE")
"""Types of exposures of which a rectified image is made."""
PRODUCTS = {2: "cal", 3: "calints"}
"""Suffixes of results, by the number of axes of the science array."""
SUBTRACTED = {2: "bsub", 3: "bsubints"}


class Image2Pipeline(Pipeline):
    """Calibrate count rates of images: WCS, flat field and surface brightness.

    Products: ``_cal`` of an image, ``_calints`` of the images of integrations, and ``_i2d``, an image on a regular grid
    on the sky. A call returns a list of the calibrated ones, one for each exposure, or for each product of an
    association. The order is that of
    https://jwst-pipeline.readthedocs.io/en/latest/jwst/pipeline/calwebb_image2.html
    """

    alias = "calwebb_image2"
    accepts = Rate
    names_association = True
    returns_list = True
    own_products = ("resample",)

    save_bsub = p.Boolean(
        False,
        help="Also save the exposure without its background.",
        deprecated="The --save_bsub parameter is deprecated; use save_results of the step bkg_subtract instead.",
    )

    step_defs: ClassVar[Mapping[str, type[Step]]] = {
        "bkg_subtract": BackgroundStep,
        "assign_wcs": AssignWcsStep,
        "flat_field": FlatFieldStep,
        "photom": PhotomStep,
        "resample": ResampleStep,
    }

    bkg_subtract: BackgroundStep
    assign_wcs: AssignWcsStep
    flat_field: FlatFieldStep
    photom: PhotomStep
    resample: ResampleStep

    def order(self, meta: Any) -> Sequence[str]:
        """Return the order of the steps. Exposures of NIRSpec are refused: their optics are still to come."""
        if is_nirspec(meta):
            kind, name = meta.exposure.type, meta.filename or "the exposure"
            raise InputError(f"{name}: found an exposure of NIRSpec ({kind}), which gpipe does not calibrate yet")
        is_resampled = meta.exposure.type in RESAMPLED
        return tuple(name for name in self.step_defs if name != "resample" or is_resampled)

    def leaves_out(self, name: str, given: Given) -> bool:
        """Leave out bkg_subtract where the association has no backgrounds, and resample for integrations."""
        if name == "resample":
            return len(given.shape) != 2
        return name == "bkg_subtract" and "background" not in given.exptypes

    def wants_product(self, name: str, meta: Any) -> bool:
        """Tell whether the exposure can be resampled: not where photom lacks the row of its optical elements."""
        has_factors = meta.ref_file.photom.name not in (None, "N/A")
        return self.photom.skip or not has_factors or meta.cal_step.photom != "SKIPPED"

    def asks_for_result(self, name: str) -> bool:
        """Tell whether a parameter of the pipeline asks for the result of a step."""
        return (name == "bkg_subtract" and self.save_bsub) or super().asks_for_result(name)

    def suffixes(self, shape: Sequence[int], step: str | None = None) -> Sequence[str | None]:
        """List the suffix of the result, or of that of a step."""
        return (self._suffix(len(shape), step),)

    def suffix_of(self, result: Exposure, step: str | None) -> str | None:
        """Results have the suffix of their kind, unless ``suffix`` says otherwise."""
        return self._suffix(len(result.shape), step)

    def _suffix(self, axes: int, step: str | None) -> str | None:
        if step is not None:
            return {"bkg_subtract": SUBTRACTED[axes], "resample": "i2d"}.get(step)
        return f"{self.suffix}{'ints' * (axes == 3)}" if self.suffix else PRODUCTS[axes]
