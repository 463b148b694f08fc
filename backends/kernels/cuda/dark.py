"""``subtract_dark`` without temporaries."""

from collections.abc import Sequence

from array_api_compat import array_namespace

from gpipe.arrays import Array
from gpipe.dark_current.dark_sub import DarkSubtracted


def subtract_dark(data: Array, pixeldq: Array, dark: Sequence[Array], dark_dq: Array) -> DarkSubtracted:
    """See ``gpipe.dark_current.dark_sub.subtract_dark``; CuPy writes each difference straight to its place."""
    xp = array_namespace(data, pixeldq, dark_dq, *dark)
    if len(dark) != data.shape[1]:
        raise ValueError(f"found a dark of {len(dark)} groups for data of {data.shape[1]}")
    subtracted = xp.empty_like(data)
    for group, plane in enumerate(dark):
        xp.subtract(data[:, group, ...], plane, out=subtracted[:, group, ...])
    return DarkSubtracted(subtracted, pixeldq | dark_dq)
