"""Thumbnails of exposures and products, for tables in notebooks."""

import io
from base64 import b64encode
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from gpipe.backends.numpy import NumpyBackend
from gpipe.datamodels import Ramp, Rate, open_exposure, read_header
from gpipe.exceptions import GpipeError
from gpipe.quicklook.rate_picture import norm_of
from gpipe.quicklook.scaling import by_mean, factor_for

SHOWN = 160
"""The most rows and columns of a thumbnail."""


def thumbnail(exposure: Any) -> str:
    """Draw the first integration of an exposure in flight, of a ramp its last group, as an HTML image.

    The text is empty where matplotlib is not installed, or the exposure has no image.
    """
    data = getattr(exposure, "data", None)
    if data is None or data.ndim < 2 or find_spec("matplotlib") is None:
        return ""
    index = (0, -1) if isinstance(exposure, Ramp) else (0,) * (data.ndim - 2)
    return _image(np.asarray(exposure.backend.to_host(data[index])))


def thumbnail_of_file(path: Path) -> str:
    """Draw the product in a file as `thumbnail` does; empty where it cannot be read, or is no ramp or rates."""
    try:
        return thumbnail(open_exposure(read_header(path, expects=(Ramp, Rate)), NumpyBackend()))
    except GpipeError:
        return ""


def _image(image: np.ndarray) -> str:
    from matplotlib import colormaps
    from matplotlib.image import imsave

    small, file = by_mean(image, factor_for(image.shape, SHOWN)), io.BytesIO()
    shown = colormaps["cividis"](norm_of(small, "asinh")(np.ma.masked_invalid(small)))
    imsave(file, shown, origin="lower", format="png")
    return f'<img alt="thumbnail" src="data:image/png;base64,{b64encode(file.getvalue()).decode()}">'
