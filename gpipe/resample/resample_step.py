"""The resample step."""

import logging
import math
from typing import Any, ClassVar

from gpipe.controller import Produced, References, Step
from gpipe.controller import parameters as p
from gpipe.controller.plan import threads
from gpipe.coordinates.output_grid import GridOptions
from gpipe.coordinates.output_wcs import read_wcs
from gpipe.datamodels.exposures.groups.images import Images
from gpipe.datamodels.exposures.image import Image, Mosaic
from gpipe.exceptions import ParameterError
from gpipe.resample.kernels import NAMES
from gpipe.resample.resampling_exposure import Resampling, check_inputs, grid_for, inputs_of
from gpipe.resample.settings import EXPTIME, IVM, Settings

log = logging.getLogger(__name__)

WITHOUT_PIXFRAC = ("lanczos2", "lanczos3")
NO_VALUES = ("NAN", "INDEF")
ORDERS = (1, 3)


class _Fill(p.String):
    """A number, or a word for no number, as text."""

    def convert(self, value: Any) -> str:
        text = str(value)
        if text.upper() not in NO_VALUES:
            float(text)
        return text

    def kind(self) -> str:
        return "a number, 'NAN' or 'INDEF'"


class _Pair(p.List):
    """Two numbers, or two None, which is None."""

    def convert(self, value: Any) -> Any:
        found = None if value is not None and list(value) == [None, None] else value
        return None if found is None else super().convert(found)


class ResampleStep(Step):
    """Resample calibrated images onto a regular grid on the sky by the drizzle algorithm."""

    alias = "resample"
    accepts: ClassVar[Any] = (Image, Images)
    makes = Mosaic
    by_piece = False
    after: ClassVar = ("assign_wcs",)

    pixfrac = p.Float(1.0, min=0, max=1, unit="pixel", help="Side of the square that the light of a pixel comes from.")
    kernel = p.Option("square", NAMES, help="Shape of the light of a pixel.")
    fillval = _Fill("NAN", help="Value of SCI where no exposure has a pixel.")
    weight_type = p.Option(IVM, (IVM, EXPTIME), help="Weights: 1 / VAR_RNOISE of each pixel, or the exposure time.")
    output_shape = _Pair(None, min=2, max=2, item=p.Integer(1, min=1), unit="pixel", help="Columns, rows.")
    crpix = _Pair(None, min=2, max=2, item=p.Float(0.0), unit="pixel", help="Reference pixel, x and y from 0.")
    crval = _Pair(None, min=2, max=2, item=p.Float(0.0), unit="deg", help="RA and Dec of the reference pixel.")
    rotation = p.Float(None, unit="deg", help="Position angle of the y axis; None: that of the first exposure.")
    pixel_scale_ratio = p.Float(1.0, help="Pixel scale of the grid over that of the first exposure.")
    pixel_scale = p.Float(None, unit="arcsec", help="Pixel scale of the grid; wins over pixel_scale_ratio.")
    output_wcs = p.Path("", help="ASDF file with the WCS of the grid, which wins over all that describes one.")
    single = p.Boolean(False, help="Resample each group of exposures by itself; the result is a list.")
    blendheaders = p.Boolean(True, help="Combine the metadata of a list's exposures.")
    in_memory = p.Boolean(True, help="Has no effect: gpipe plans memory.")
    enable_ctx = p.Boolean(True, help="Make CON: which exposures have a share in a pixel.")
    enable_err = p.Boolean(True, help="Make ERR and variances.")
    report_var = p.Boolean(True, help="Give the variances beside ERR.")
    propagate_dq = p.Boolean(False, help="Make DQ: flags of all pixels that have a share.")
    pixmap_stepsize = p.Float(1.0, unit="pixel", help="Above 1, coordinates are interpolated between such steps.")
    pixmap_order = p.Integer(1, help="Order of this interpolation, 1 or 3.")

    def check(self, meta: Any, references: References) -> None:
        positive = ("pixel_scale_ratio", "pixel_scale", "pixmap_stepsize")
        for name in positive:
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise ParameterError(f"{self.label}.{name}: found {value}, expected a number above 0")
        if self.pixmap_order not in ORDERS:
            raise ParameterError(f"{self.label}.pixmap_order: found {self.pixmap_order}, expected 1 or 3")
        if self.output_wcs:
            read_wcs(self.output_wcs)
        if self.kernel in WITHOUT_PIXFRAC and self.pixfrac != 1:
            log.warning("%s.pixfrac: found %s, which kernel %r ignores", self.label, self.pixfrac, self.kernel)

    def apply(self, exposure: Image | Images, references: References) -> Mosaic | Produced:
        inputs, settings = inputs_of(exposure), self._settings(exposure)
        check_inputs(inputs)
        grid = grid_for(inputs, self._options(), self.output_wcs, settings, exposure.backend)
        told = {name: getattr(self, name) for name in ("pixfrac", "kernel", "fillval", "weight_type")}
        resampling = Resampling(inputs, grid, settings, told, exposure.backend)
        return Produced(tuple(resampling.by_group())) if self.single else resampling.mosaic(inputs)

    def _settings(self, exposure: Any) -> Settings:
        errors = "drizzled" if self.single else "variances" if self.enable_err else "none"
        return Settings(
            kernel=self.kernel,
            pixfrac=self.pixfrac,
            fill=math.nan if self.fillval.upper() in NO_VALUES else float(self.fillval),
            weight_type=self.weight_type,
            context=self.enable_ctx or self.single,
            dq=self.propagate_dq,
            errors=errors,
            reports_variances=self.report_var,
            stepsize=self.pixmap_stepsize,
            order=self.pixmap_order,
            workers=threads.inside(self, exposure),
        )

    def _options(self) -> GridOptions:
        def pair(values: Any) -> Any:
            return None if values is None else tuple(values)

        return GridOptions(
            crpix=pair(self.crpix),
            crval=pair(self.crval),
            rotation=self.rotation,
            output_shape=pair(self.output_shape),
            pixel_scale=self.pixel_scale,
            pixel_scale_ratio=self.pixel_scale_ratio,
        )
