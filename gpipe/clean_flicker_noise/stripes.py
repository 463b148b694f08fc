"""Noise as stripes: the median of the background along the direction in which the noise is the same."""

from array_api_compat import array_namespace

from gpipe.arrays import Array
from gpipe.arrays.masked import median_where

CHANNELS = 4


def fit_stripes(image: Array, mask: Array, *, axis: int, by_channel: bool = False) -> Array:
    """The median along ``axis`` of the pixels in the mask; 0 where there is none.

    Parameters
    ----------
    image : float32, (…, row, column), background subtracted, finite.
    mask : bool, (…, row, column), the pixels that are background.
    axis : 1 for stripes along rows, 0 for stripes along columns.
    by_channel : for each quarter of the image along ``axis``, the part of one readout channel, by itself.

    Returns
    -------
    float32, (…, row, column).

    Notes
    -----
    After image1overf by C. Willott, https://github.com/chriswillott/jwst.
    """
    xp = array_namespace(image, mask)
    shape = image.shape
    axis += image.ndim - 2
    length = shape[axis] // CHANNELS if by_channel else shape[axis]
    split = (*shape[:axis], shape[axis] // length, length, *shape[axis + 1 :])
    medians = median_where(xp.reshape(image, split), xp.reshape(mask, split), axis=axis + 1, xp=xp)
    return xp.reshape(xp.broadcast_to(medians, split), shape)
