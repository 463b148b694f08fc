"""``subtract_darks`` without temporaries."""

from collections.abc import Sequence

from array_api_compat import array_namespace

from gpipe.arrays import Array
from gpipe.dark_current.dark_sub import DarkSubtracted


def subtract_darks(data: Array, pixeldq: Array, darks: Sequence[Sequence[Array]], dark_dq: Array) -> DarkSubtracted:
    """See ``gpipe.dark_current.dark_sub.subtract_darks``; CuPy writes each difference straight to its place."""
    xp = array_namespace(data, pixeldq, dark_dq, *(plane for dark in darks for plane in dark))
    found, expected = [len(dark) for dark in darks], [data.shape[1]] * data.shape[0]
    if found != expected:
        raise ValueError(f"found darks of {found} groups for data of {expected}")
    subtracted = xp.empty_like(data)
    for integration, dark in enumerate(darks):
        for group, plane in enumerate(dark):
            place = (integration, group, ...)
            xp.subtract(data[place], plane, out=subtracted[place])
    return DarkSubtracted(subtracted, pixeldq | dark_dq)
