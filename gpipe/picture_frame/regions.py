"""Regions of a detector with a picture frame: a frame along the edges, and the middle."""

from dataclasses import dataclass

from array_api_compat import array_namespace

from gpipe.arrays import Array


@dataclass(frozen=True, kw_only=True)
class Regions:
    """Rows, and columns, at which the parts begin and before which they end, counted from 0.

    The defaults are those of jwst for 2048 rows and columns.

    Attributes
    ----------
    lower, upper : what the frame's lower (or left) and upper (or right) bars span.
    middle : what the middle spans.
    """

    lower: tuple[int, int] = (4, 75)
    middle: tuple[int, int] = (76, 1984)
    upper: tuple[int, int] = (1985, 2043)

    def middle_of(self, image: Array) -> Array:
        """The middle of images (…, row, column), as (…, pixel)."""
        xp = array_namespace(image)
        inside = slice(*self.middle)
        return xp.reshape(image[..., inside, inside], (*image.shape[:-2], -1))

    def frame_of(self, image: Array) -> Array:
        """The frame of images (…, row, column), each pixel once, as (…, pixel)."""
        xp = array_namespace(image)
        lower, upper = slice(*self.lower), slice(*self.upper)
        between, across = slice(lower.stop, upper.start), slice(lower.start, upper.stop)
        bars = ((lower, across), (upper, across), (between, lower), (between, upper))
        parts = [xp.reshape(image[..., rows, columns], (*image.shape[:-2], -1)) for rows, columns in bars]
        return xp.concat(parts, axis=-1)
