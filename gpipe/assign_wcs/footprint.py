"""Footprint of an exposure in the sky."""

from typing import Any

import numpy as np


def corners_of(wcs: Any) -> np.ndarray:
    """The corners of the bounding box in the sky: float64, (corner, right ascension and declination), deg.

    Their order is (x0, y0), (x0, y1), (x1, y1), (x1, y0); right ascensions are from 0 to 360.
    """
    (x0, x1), (y0, y1) = wcs.bounding_box.bounding_box(order="F")
    x, y = np.array([[x0, x0, x1, x1], [y0, y1, y1, y0]], dtype=np.float64)
    ra, dec = wcs(x, y, with_bounding_box=False)
    return np.stack([np.mod(ra, 360), dec], axis=-1)


def s_region(corners: np.ndarray) -> str | None:
    """The text of S_REGION for corners (deg); None if one of them is not in the sky."""
    if not np.isfinite(corners).all():
        return None
    return "POLYGON ICRS  " + " ".join(f"{value:.9f}" for value in corners.flat)
