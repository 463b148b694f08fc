"""Bounding boxes of a WCS: the pixels for which it is defined."""

Interval = tuple[float, float]
Box = tuple[Interval, Interval]
"""Least and greatest coordinate of x and of y; pixel centres are whole numbers, the first is 0."""


def box_of_shape(shape: tuple[int, ...]) -> Box:
    """The edges of an array (…, row, column)."""
    return (-0.5, shape[-1] - 0.5), (-0.5, shape[-2] - 0.5)


def bounding_box(shape: tuple[int, ...], corner: tuple[int, int], of_reference: Box | None) -> Box:
    """Choose the bounding box of an exposure.

    Parameters
    ----------
    shape : of the science array.
    corner : x and y of its first pixel on the detector, from 1.
    of_reference : box of the distortion reference, in pixels of the detector; None if it has none.

    Returns
    -------
    All of the pixels of a window inside the detector. Of an array that begins with the detector's first pixel, those
    that are in the box of the reference.
    """
    own = box_of_shape(shape)
    if of_reference is None or corner != (1, 1):
        return own
    x, y = ((max(a[0], b[0]), min(a[1], b[1])) for a, b in zip(own, of_reference, strict=True))
    return x, y
