"""The grid that exposures are resampled to: where it lies on the sky, its pixels and its size."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpipe.coordinates.chebyshev import Floats
from gpipe.coordinates.pixel_scale import mean_pixel_area, scale_at
from gpipe.coordinates.regions import polygons
from gpipe.coordinates.sphere import direction, separation, unit_vectors
from gpipe.exceptions import InputError, ParameterError

SMALLEST = 2
"""Pixels that each axis of a grid must have."""
FARTHEST = 80.0
"""Degrees from the middle of a grid: a tangent plane reaches less than 90."""


@dataclass(frozen=True)
class GridOptions:
    """What a user may say of the grid; pairs are in the order x, y.

    Attributes
    ----------
    crpix : the reference pixel, counted from 0.
    crval : right ascension and declination of the reference pixel, degrees.
    rotation : the position angle of the y axis, degrees east of north.
    output_shape : pixels.
    pixel_scale : arcsec; else ``pixel_scale_ratio`` times that of the first exposure.
    """

    crpix: tuple[float, float] | None = None
    crval: tuple[float, float] | None = None
    rotation: float | None = None
    output_shape: tuple[int, int] | None = None
    pixel_scale: float | None = None
    pixel_scale_ratio: float = 1.0


@dataclass(frozen=True)
class Outline:
    """The place of an exposure on the sky: its name, and the polygons of its S_REGION in degrees."""

    name: str
    polygons: Sequence[Floats]

    @classmethod
    def read(cls, name: str, s_region: str | None) -> "Outline":
        """Read S_REGION; an `InputError` names the exposure."""
        return cls(name, polygons(s_region, name))

    @property
    def vertices(self) -> Floats:
        """Vertices of all polygons, with axes (vertex, RA or Dec)."""
        return np.concatenate(list(self.polygons))


@dataclass(frozen=True)
class FirstExposure:
    """The exposure that gives a grid its scale, its orientation and its frames.

    Attributes
    ----------
    name : named in errors.
    wcs : a gwcs of an image.
    shape : rows and columns.
    wcsinfo : ``ra_ref``, ``dec_ref``, ``roll_ref``, ``v3yangle`` in degrees, ``vparity``.
    pixel_area : the nominal area of a pixel, PIXAR_SR, if known.
    """

    name: str
    wcs: Any
    shape: tuple[int, int]
    wcsinfo: Mapping[str, Any]
    pixel_area: float | None = None

    def mean_scale(self) -> float:
        """The side of a pixel of mean area, degrees."""
        area = mean_pixel_area(self.wcs, self.shape)
        if not area:
            raise InputError(f"{self.name}: the mean area of its pixels is unknown, as its WCS gives no coordinates")
        return math.degrees(math.sqrt(area))

    def nominal_scale(self) -> float:
        """The side of a pixel of the nominal area, degrees; of the mean area if that is unknown."""
        area = self.pixel_area
        return math.degrees(math.sqrt(area)) if area and area > 0 else self.mean_scale()

    def pointing(self, *keywords: str) -> list[float]:
        """Values of keywords of the pointing, which must all be there."""
        missing = [key for key in keywords if self.wcsinfo.get(key) is None]
        if missing:
            raise InputError(f"{self.name}: {', '.join(missing).upper()} missing; the output grid is laid out by it")
        return [float(self.wcsinfo[key]) for key in keywords]


@dataclass(frozen=True)
class OutputGrid:
    """A grid of pixels on the sky.

    Attributes
    ----------
    wcs : a gwcs; it has a bounding box and a shape.
    shape : rows and columns.
    pixel_scale : arcsec.
    pixel_scale_ratio : of the grid's pixel scale to that of the first exposure.
    """

    wcs: Any
    shape: tuple[int, int]
    pixel_scale: float
    pixel_scale_ratio: float

    @property
    def pixel_area(self) -> tuple[float, float]:
        """Area of a pixel in steradian and in arcsec squared."""
        return math.radians(self.pixel_scale / 3600) ** 2, self.pixel_scale**2


def output_grid(outlines: Sequence[Outline], first: FirstExposure, options: GridOptions) -> OutputGrid:
    """Lay a tangential grid around exposures.

    The grid begins at the centre of the pixel that holds the least vertex of the outlines on each axis.

    Raises
    ------
    InputError
        If a keyword of the first exposure is missing, or exposures lie on opposite sides of the sky.
    ParameterError
        If the grid has fewer than two pixels on an axis.
    """
    vertices = np.concatenate([outline.vertices for outline in outlines])
    crval = options.crval or fiducial(vertices)
    _refuse_far(outlines, crval)
    scale, ratio = _scale(first, options)
    matrix = _matrix(first, options.rotation)
    corners = _tangent(crval, scale, matrix).inverse(*vertices.T)
    crpix, shape, box = _extent(np.stack(corners), options)
    wcs = _wcs(first.wcs, _tangent(crval, scale, matrix, crpix), shape, box)
    return OutputGrid(wcs, shape, 3600.0 * scale, ratio)


def fiducial(vertices: Floats) -> tuple[float, float]:
    """Find the middle of vertices: of the least and the greatest of each component of their unit vectors."""
    vectors = unit_vectors(*vertices.T)
    return direction((vectors.max(0) + vectors.min(0)) / 2)


def _scale(first: FirstExposure, options: GridOptions) -> tuple[float, float]:
    """The grid's pixel scale in degrees, and its ratio to that of the first exposure."""
    if options.pixel_scale is not None:
        scale = options.pixel_scale / 3600.0
        return scale, scale / first.mean_scale()
    ratio = options.pixel_scale_ratio
    return scale_at(first.wcs, *first.pointing("ra_ref", "dec_ref")) * ratio, ratio


def _matrix(first: FirstExposure, rotation: float | None) -> Floats:
    """The matrix PC that turns the grid like the first exposure, or with its y axis at a position angle."""
    v3_angle, parity = first.pointing("v3yangle", "vparity")
    if rotation is None:
        (roll,) = first.pointing("roll_ref")
        angle = math.radians(roll) - parity * math.radians(v3_angle)
    else:
        angle = math.radians(rotation)
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.array([[parity * cosine, sine], [-parity * sine, cosine]])


def _tangent(crval: tuple[float, float], scale: float, matrix: Floats, crpix: tuple[float, float] = (0.0, 0.0)) -> Any:
    from astropy.modeling.projections import Pix2Sky_TAN
    from gwcs import FITSImagingWCSTransform

    return FITSImagingWCSTransform(Pix2Sky_TAN(), crpix=crpix, crval=crval, cdelt=(scale, scale), pc=matrix)


Box = tuple[tuple[float, float], tuple[float, float]]


def _extent(corners: Floats, options: GridOptions) -> tuple[tuple[float, float], tuple[int, int], Box]:
    """Reference pixel, shape and bounding box of a grid for corners, given from the reference pixel."""
    crpix = options.crpix or (-float(corners[0].min()), -float(corners[1].min()))
    low, high = (ends + np.asarray(crpix) for ends in (corners.min(1), corners.max(1)))
    if options.output_shape is None:
        nx, ny = (int(end + 0.5) for end in high)
        box = (-0.5, nx - 0.5), (-0.5, ny - 0.5)
    else:
        nx, ny = options.output_shape
        left, bottom = (max(0, int(end + 0.5)) - 0.5 for end in low)
        box = (left, min(int(high[0] + 0.5), nx) - 0.5), (bottom, min(int(high[1] + 0.5), ny) - 0.5)
    if min(nx, ny) < SMALLEST:
        raise ParameterError(
            f"the output grid would have {nx} x {ny} pixels; crpix, crval, pixel_scale, pixel_scale_ratio and "
            f"output_shape must leave {SMALLEST} on each axis"
        )
    return crpix, (ny, nx), box


def _wcs(like: Any, transform: Any, shape: tuple[int, int], box: Box) -> Any:
    """A WCS between the frames of another one."""
    import gwcs

    wcs = gwcs.WCS([gwcs.Step(like.input_frame, transform), gwcs.Step(like.output_frame, None)])
    wcs.bounding_box = box
    wcs.array_shape = shape
    return wcs


def _refuse_far(outlines: Sequence[Outline], crval: tuple[float, float]) -> None:
    """Refuse exposures that a tangent plane does not reach."""
    for outline in outlines:
        angle = float(np.max(separation(*crval, outline.vertices[:, 0], outline.vertices[:, 1])))
        if not angle < FARTHEST:
            raise InputError(
                f"{outline.name}: it lies {angle:.0f} degrees from the middle of the output grid "
                f"({crval[0]:.4f}, {crval[1]:.4f}). {_advice(outlines)}"
            )


def refuse_large(grid: OutputGrid, outlines: Sequence[Outline], bytes_per_pixel: int, limit: int) -> None:
    """Refuse a grid whose pixels do not fit, before anything is allocated, and name the likely cause.

    Raises
    ------
    InputError
        If its pixels, of so many bytes, take more than ``limit``.
    """
    (ny, nx), size = grid.shape, grid.shape[0] * grid.shape[1] * bytes_per_pixel
    if size > limit:
        raise InputError(
            f"the output grid has {nx} x {ny} pixels and takes {size / 1e9:.1f} GB; memory and disk have "
            f"{limit / 1e9:.1f} GB. {_advice(outlines)}"
        )


def _advice(outlines: Sequence[Outline]) -> str:
    name, distance = outlier(outlines)
    return (
        f"{name} lies {distance:.4f} degrees from the others: leave it out if its pointing is wrong, or choose a part "
        "of the sky by crval, crpix and output_shape"
    )


def outlier(outlines: Sequence[Outline]) -> tuple[str, float]:
    """Find the exposure that lies farthest from the others, and its distance in degrees from their median."""
    middles = np.stack([unit_vectors(*outline.vertices.T).mean(0) for outline in outlines])
    centre = direction(np.median(middles, axis=0) if len(middles) > 2 else middles[0])
    places = [direction(middle) for middle in middles]
    distances = [separation(*place, *centre) for place in places]
    k = int(np.argmax(distances))
    return outlines[k].name, float(distances[k])
