"""NIRSpec images as the detector reads them: lines along the last axis, one after the other."""

from array_api_compat import array_namespace

from gpipe.arrays import Array


def to_detector(image: Array, detector: str) -> Array:
    """Rows become columns; for all detectors but NRS1 the order of lines is reversed as well."""
    xp = array_namespace(image)
    turned = xp.permute_dims(image, (1, 0))
    return turned if detector == "NRS1" else xp.flip(turned, axis=0)


def to_science(image: Array, detector: str) -> Array:
    """Undo `to_detector`."""
    xp = array_namespace(image)
    return xp.permute_dims(image if detector == "NRS1" else xp.flip(image, axis=0), (1, 0))
