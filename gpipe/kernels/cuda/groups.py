"""``large_groups`` where the pixels are: CuPy numbers groups in the same order as SciPy."""

from gpipe.arrays import Array
from gpipe.jump.groups import pixels_of_groups


def large_groups(flagged: Array, least_area: float) -> tuple[Array, Array]:
    """See ``gpipe.jump.groups_host.large_groups``."""
    from cupyx.scipy import ndimage

    return pixels_of_groups(flagged, least_area, label=ndimage.label)
