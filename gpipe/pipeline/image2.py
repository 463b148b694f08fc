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

PRODUCTS = {2: "cal", 3: "calints"}
"""Suffixes of results, by the number of axes of the science array."""
SUBTRACTED = {2: "bsub", 3: "bsubints"}


class Image2Pipeline(Pipeline):
    """Calibrate count rates of images: WCS, flat field and surface brightness.

    Products: ``_cal`` of an image, ``_calints`` of the images of integrations. A call returns a list of them, one for
    each exposure, or for each product of an association. The order is that of
    https://jwst-pipeline.readthedocs.io/en/latest/jwst/pipeline/calwebb_image2.html
    """

    alias = "calwebb_image2"
    accepts = Rate
    names_association = True
    returns_list = True

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
    }

    bkg_subtract: BackgroundStep
    assign_wcs: AssignWcsStep
    flat_field: FlatFieldStep
    photom: PhotomStep

    def order(self, meta: Any) -> Sequence[str]:
        """Return the order of the steps. Exposures of NIRSpec are refused: their optics are still to come."""
        if is_nirspec(meta):
            kind, name = meta.exposure.type, meta.filename or "the exposure"
            raise InputError(f"{name}: found an exposure of NIRSpec ({kind}), which gpipe does not calibrate yet")
        return tuple(self.step_defs)

    def leaves_out(self, name: str, given: Given) -> bool:
        """Leave out bkg_subtract where the association has no backgrounds."""
        return name == "bkg_subtract" and "background" not in given.exptypes

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
        if step == "bkg_subtract":
            return SUBTRACTED[axes]
        if step is not None:
            return None
        return f"{self.suffix}{'ints' * (axes == 3)}" if self.suffix else PRODUCTS[axes]
