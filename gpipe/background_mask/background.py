"""The background of an image: one level, or a smooth model."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from array_api_compat import array_namespace

from gpipe.arrays import Array, Namespace, nanmedian
from gpipe.arrays.ranked import moments, rank_values, sigma_clip
from gpipe.arrays.spline_zoom import spline_zoom
from gpipe.background_mask.limits import (
    CLIP,
    background_limits,
    clip_to_background,
    inside,
    median_level,
)

LARGEST_BOX = 32
FILTER = 5
"""Boxes on a side of the window of the median filter."""
REQUIRED = 0.9
"""Share of a box's pixels that must be left for its median to count."""

FillGaps = Callable[[Array], Array]
"""Fills NaN in a small image, (row, column); one that is all NaN stays so."""


@dataclass(frozen=True)
class Background:
    """Background of an image.

    Attributes
    ----------
    level : float32, (…, 1, 1) or (…, row, column).
    mask : bool, (…, row, column), True for pixels that show only background.
    """

    level: Array
    mask: Array


def find_background(
    image: Array,
    mask: Array,
    *,
    method: str,
    n_sigma: float,
    box_size: tuple[int, int] | None = None,
    fill_gaps: FillGaps,
) -> Background:
    """The background of an image, and the pixels that are background to within ``n_sigma``.

    Parameters
    ----------
    image : float32, (…, row, column), finite.
    mask : bool, (…, row, column), where to look.
    method : ``"median"`` or ``"model"``.
    n_sigma : standard deviations of the lower half of the background at which pixels are taken out of the mask; 0 for
        none.
    box_size : rows and columns of the boxes of the model.

    Notes
    -----
    https://jwst-pipeline.readthedocs.io/en/latest/jwst/clean_flicker_noise/main.html
    """
    if method == "model":
        found = _models(image, mask, box_size, fill_gaps)
        if n_sigma <= 0:
            return found
        rest = image - found.level
        left = clip_to_background(rest, found.mask, below=n_sigma, above=n_sigma, lower_half_only=True)
        return Background(found.level, left)
    level = median_level(image, mask)
    if n_sigma <= 0:
        return Background(level.value, level.mask)
    # One level does not change the order of pixels: they need not be sorted again.
    limits = background_limits(level.ranked, within=level.span, below=n_sigma, above=n_sigma, lower_half_only=True)
    return Background(level.value, level.mask & inside(image, limits))


def _models(image: Array, mask: Array, box_size: tuple[int, int] | None, fill_gaps: FillGaps) -> Background:
    """Make the background models of images, one by one."""
    if image.ndim == 2:
        return background_model(image, mask, box_size=box_size, fill_gaps=fill_gaps)
    xp = array_namespace(image, mask)
    found = [_models(image[k, ...], mask[k, ...], box_size, fill_gaps) for k in range(image.shape[0])]
    return Background(xp.stack([f.level for f in found]), xp.stack([f.mask for f in found]))


def background_model(
    image: Array, mask: Array, *, box_size: tuple[int, int] | None = None, fill_gaps: FillGaps
) -> Background:
    """A smooth model of the background: clipped medians in boxes, median filtered, with cubic splines in between.

    Boxes with 90 % or less of their pixels left take the value that ``fill_gaps`` gives them. If no box has more, the
    model is the median of the background.

    Parameters
    ----------
    image : float32, (row, column); NaN where masked only.
    mask : bool, (row, column), where to look for background.
    box_size : rows and columns of a box; by default the largest up to 32 that divide the image.

    Notes
    -----
    The same as ``photutils.background.Background2D`` with a MedianBackground, 3 sigma and filter_size 5.
    """
    xp = array_namespace(image, mask)
    rows, columns = box_size or (default_box(image.shape[0]), default_box(image.shape[1]))
    box = min(rows, image.shape[0]), min(columns, image.shape[1])
    level = median_level(image, mask)
    mesh = _box_medians(image, level.mask, box, xp=xp)
    smooth = _median_filter(fill_gaps(mesh), xp=xp)
    model = spline_zoom(smooth, box)[: image.shape[0], : image.shape[1]]
    model = xp.clip(model, xp.min(smooth), xp.max(smooth))
    return Background(xp.where(xp.all(xp.isnan(mesh)), level.value, model), level.mask)


def default_box(size: int) -> int:
    """The largest side of a box, up to 32 pixels, that divides ``size``."""
    return max(side for side in range(1, LARGEST_BOX + 1) if size % side == 0)


def _box_medians(image: Array, mask: Array, box: tuple[int, int], *, xp: Namespace) -> Array:
    """(box row, box column), NaN where too few pixels are left. Boxes over the edge need as many as the others."""
    values = _boxes(xp.where(mask, image, xp.nan), box, xp=xp)
    ranked = rank_values(values, ~xp.isnan(values))
    left = sigma_clip(ranked, limit=CLIP)
    enough = left.end - left.begin > math.floor(REQUIRED * box[0] * box[1])
    median = xp.astype(moments(ranked, left).median, image.dtype)
    return xp.squeeze(xp.where(enough, median, xp.nan), axis=-1)


def _boxes(image: Array, box: tuple[int, int], *, xp: Namespace) -> Array:
    """(box row, box column, pixel), padded with NaN to whole boxes."""
    for axis in (0, 1):
        missing = -image.shape[axis] % box[axis]
        if missing:
            shape = tuple(missing if a == axis else size for a, size in enumerate(image.shape))
            padding = xp.broadcast_to(image[:1, :1] * xp.nan, shape)
            image = xp.concat([image, padding], axis=axis)
    rows, columns = image.shape[0] // box[0], image.shape[1] // box[1]
    blocks = xp.permute_dims(xp.reshape(image, (rows, box[0], columns, box[1])), (0, 2, 1, 3))
    return xp.reshape(blocks, (rows, columns, box[0] * box[1]))


def _median_filter(mesh: Array, *, xp: Namespace) -> Array:
    """Median in a window around each box; what lies outside of the image is left out."""
    rows, columns = mesh.shape
    half = FILTER // 2
    edge = xp.broadcast_to(mesh[:1, :1] * xp.nan, (half, columns))
    padded = xp.concat([edge, mesh, edge], axis=0)
    side = xp.broadcast_to(mesh[:1, :1] * xp.nan, (rows + 2 * half, half))
    padded = xp.concat([side, padded, side], axis=1)
    window = [padded[r : r + rows, c : c + columns] for r in range(FILTER) for c in range(FILTER)]
    return nanmedian(xp.stack(window), axis=0, xp=xp)
