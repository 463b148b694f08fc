"""The orientation of an exposure's readout."""

from typing import Any

from gpipe.datamodels.exposures.stripes import window_of
from gpipe.refpix.orientation import Orientation


def orientation_of(meta: Any) -> Orientation:
    """Describe how the part of the detector in an exposure is read; ValueError where the axes are missing."""
    subarray, window = meta.subarray, window_of(meta)
    return Orientation.of_window(
        subarray.fastaxis,
        subarray.slowaxis,
        xstart=window.xstart,
        ystart=window.ystart,
        xsize=window.xsize,
        ysize=window.ysize,
    )
