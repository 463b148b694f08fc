"""``subtract_darks`` without temporaries."""

from collections.abc import Sequence

from array_api_compat import array_namespace

from gpipe.arrays import Array
from gpipe.dark_current.dark_sub import DarkSubtracted, check_groups


def subtract_darks(data: Array, pixeldq: Array, darks: Sequence[Array], dark_dq: Array) -> DarkSubtracted:
    """See ``gpipe.dark_current.dark_sub.subtract_darks``; CuPy writes each difference straight to its place."""
    xp = array_namespace(data, pixeldq, dark_dq, *darks)
    check_groups(data, darks)
    subtracted = xp.empty_like(data)
    for integration, dark in enumerate(darks):
        place = (integration, ...)
        xp.subtract(data[place], dark, out=subtracted[place])
    return DarkSubtracted(subtracted, pixeldq | dark_dq)
