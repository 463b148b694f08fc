"""A grid that a user gives as a WCS in an ASDF file."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gpipe.coordinates.output_grid import SMALLEST, FirstExposure, OutputGrid
from gpipe.coordinates.pixel_scale import mean_pixel_area
from gpipe.exceptions import ParameterError


def read_grid(path: str | Path, first: FirstExposure, output_shape: tuple[int, int] | None = None) -> OutputGrid:
    """Read a grid: ``wcs``, and if they are there ``pixel_scale``, ``pixel_area``, ``pixel_shape``, ``array_shape``.

    ``output_shape`` (x, y) wins over all shapes of the file. The scale is in arcsec, the area in arcsec squared.

    Raises
    ------
    ParameterError
        If the file cannot be read, its WCS is not that of an image, or nothing tells its shape.
    """
    tree, wcs = read_wcs(path)
    shape = _shape(wcs, tree, output_shape, path)
    wcs.array_shape = shape
    if wcs.bounding_box is None:
        wcs.bounding_box = (-0.5, shape[1] - 0.5), (-0.5, shape[0] - 0.5)
    scale = _scale(wcs, tree, shape, path)
    return OutputGrid(wcs, shape, scale, scale / 3600 / first.nominal_scale())


def read_wcs(path: str | Path) -> tuple[Mapping[str, Any], Any]:
    """Read the tree of a file and its WCS. ParameterError: there is none, or it is not that of an image."""
    tree = _tree(path)
    return tree, _imaging(tree.get("wcs"), path)


def _tree(path: str | Path) -> Mapping[str, Any]:
    """The tree of a file, in memory."""
    import asdf

    try:
        with asdf.open(path, lazy_load=False, memmap=False) as file:
            return dict(file.tree)
    except (OSError, ValueError) as error:
        raise ParameterError(f"output_wcs: {path} cannot be read as an ASDF file with a WCS: {error}") from error


def _imaging(wcs: Any, path: str | Path) -> Any:
    import gwcs

    if not isinstance(wcs, gwcs.WCS):
        raise ParameterError(f"output_wcs: {path} has {type(wcs).__name__} under 'wcs'; expected a gwcs WCS")
    types = wcs.output_frame.axes_type
    if tuple(types) != ("SPATIAL", "SPATIAL"):
        raise ParameterError(f"output_wcs: the WCS of {path} has axes {', '.join(types)}; expected two on the sky")
    return wcs


def _shape(
    wcs: Any, tree: Mapping[str, Any], output_shape: tuple[int, int] | None, path: str | Path
) -> tuple[int, int]:
    """Rows and columns, from the first that tells them."""
    reversed_shapes = output_shape, tree.get("pixel_shape")
    wanted, pixel_shape = (None if shape is None else tuple(shape)[::-1] for shape in reversed_shapes)
    known = (wanted, wcs.array_shape, tree.get("array_shape"), pixel_shape, _shape_of_box(wcs))
    found = next((shape for shape in known if shape is not None), None)
    if found is None:
        raise ParameterError(
            f"output_wcs: nothing in {path} tells the shape of the grid; give output_shape, or array_shape, "
            "pixel_shape or a bounding box in the file"
        )
    ny, nx = (int(size) for size in found)
    if min(ny, nx) < SMALLEST:
        raise ParameterError(f"output_wcs: the grid of {path} has {nx} x {ny} pixels; expected {SMALLEST} on each axis")
    return ny, nx


def _shape_of_box(wcs: Any) -> tuple[int, int] | None:
    if wcs.bounding_box is None:
        return None
    (_, top), (_, right) = wcs.bounding_box.bounding_box(order="C")
    return int(top + 0.5), int(right + 0.5)


def _scale(wcs: Any, tree: Mapping[str, Any], shape: tuple[int, int], path: str | Path) -> float:
    """The pixel scale in arcsec: that of the file, that of its area, or of the mean area."""
    scale, area = tree.get("pixel_scale"), tree.get("pixel_area")
    if scale is not None:
        return float(scale)
    if area is not None:
        return math.sqrt(area)
    mean = mean_pixel_area(wcs, shape)
    if not mean:
        raise ParameterError(f"output_wcs: the pixel scale of {path} is unknown; give pixel_scale in the file")
    return 3600 * math.degrees(math.sqrt(mean))
