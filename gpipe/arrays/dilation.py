"""Growth of flagged regions."""

from gpipe.arrays.types import Array, Namespace


def dilate_box(mask: Array, reach: int, *, xp: Namespace) -> Array:
    """Grow the true regions of images by ``reach`` pixels in every direction, diagonals included.

    A pixel of the result is true if any pixel of the square of side ``2 reach + 1`` around it is; what lies outside
    of the image counts as false. The square is separable: rows are grown first, then columns.

    Parameters
    ----------
    mask : bool, (…, row, column).
    reach : 0 leaves the mask as it is.
    """
    for axis in (-2, -1):
        mask = _dilate_axis(mask, reach, axis, xp=xp)
    return mask


def _dilate_axis(mask: Array, reach: int, axis: int, *, xp: Namespace) -> Array:
    size = mask.shape[axis]
    grown = xp.astype(mask, mask.dtype, copy=True)
    tail = (slice(None),) * (-axis - 1)
    for shift in range(1, min(reach, size - 1) + 1):
        ahead, behind = (..., slice(shift, None), *tail), (..., slice(None, size - shift), *tail)
        grown[ahead] |= mask[behind]
        grown[behind] |= mask[ahead]
    return grown


def dilate_cross(mask: Array, *, xp: Namespace) -> Array:
    """Grow the true regions of images by the pixels that share a side with one; outside of the image is false.

    Parameters
    ----------
    mask : bool, (…, row, column).
    """
    grown = xp.astype(mask, mask.dtype, copy=True)
    grown[..., 1:, :] |= mask[..., :-1, :]
    grown[..., :-1, :] |= mask[..., 1:, :]
    grown[..., 1:] |= mask[..., :-1]
    grown[..., :-1] |= mask[..., 1:]
    return grown
