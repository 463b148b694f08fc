"""Images made small enough for a picture, and the range of their colours."""

import numpy as np

SHOWN = 1024
"""The most rows and columns of an image that a picture shows."""


def factor_for(shape: tuple[int, int], most: int = SHOWN) -> int:
    """Return the number of pixels along each axis that become one pixel of the picture."""
    return max(1, -(-max(shape) // most))


def by_mean(image: np.ndarray, factor: int) -> np.ndarray:
    """Shrink an image (row, column): the mean of the finite pixels of each block, NaN where there are none."""
    blocks = _blocks(image.astype(np.float64), factor, np.nan)
    number = np.isfinite(blocks).sum(axis=(1, 3))
    total = np.where(np.isfinite(blocks), blocks, 0).sum(axis=(1, 3))
    with np.errstate(invalid="ignore"):
        return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def by_maximum(image: np.ndarray, factor: int) -> np.ndarray:
    """Shrink an image (row, column): the maximum of each block."""
    found: np.ndarray = _blocks(image, factor, 0).max(axis=(1, 3))
    return found


def by_union(flags: np.ndarray, factor: int) -> np.ndarray:
    """Shrink flags (row, column): all bits that are set somewhere in a block."""
    found: np.ndarray = np.bitwise_or.reduce(_blocks(flags, factor, 0), axis=(1, 3))
    return found


def extent(shape: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return the sides of an image in pixels of the detector array, counted from 0."""
    return (-0.5, shape[1] - 0.5, -0.5, shape[0] - 0.5)


def sky_range(image: np.ndarray) -> tuple[float, float, float]:
    """Return the lowest shown value, the level of the sky and the highest shown value of an image with stars.

    NaN and infinite pixels do not count; an image without others gives 0, 0, 1.
    """
    finite = image[np.isfinite(image)]
    if not finite.size:
        return 0.0, 0.0, 1.0
    low, sky, high = (float(value) for value in np.percentile(finite, [1, 50, 99.8]))
    return low, sky, high if high > low else low + 1.0


def _blocks(image: np.ndarray, factor: int, fill: float) -> np.ndarray:
    """(row of blocks, row in a block, column of blocks, column in a block); the last blocks are filled up."""
    rows, columns = (-(-size // factor) * factor for size in image.shape)
    padding = ((0, rows - image.shape[0]), (0, columns - image.shape[1]))
    padded = np.pad(image, padding, constant_values=fill) if any(map(sum, padding)) else image
    return padded.reshape(rows // factor, factor, columns // factor, factor)
