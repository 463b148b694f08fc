"""Go on with the few elements that need more work, and put what came of them back."""

from collections.abc import Sequence
from dataclasses import dataclass

from array_api_compat import array_namespace, device

from gpipe.arrays.types import Array


@dataclass(frozen=True)
class Marked:
    """The elements that a mask marks, in their order.

    Attributes
    ----------
    mask : bool, any shape.
    place : integer, shape of the mask, number of a marked element among the marked ones.
    index : integer, (marked,), where they are in the flat mask.
    """

    mask: Array
    place: Array
    index: Array

    def take(self, planes: Sequence[Array]) -> list[Array]:
        """The marked elements of arrays of the mask's shape, as arrays (marked,)."""
        xp = array_namespace(self.mask)
        return [xp.take(xp.reshape(plane, (-1,)), self.index) for plane in planes]

    def put(self, planes: Sequence[Array], values: Sequence[Array]) -> list[Array]:
        """Arrays of the mask's shape with the marked elements replaced by ``values``, arrays (marked,)."""
        xp = array_namespace(self.mask)
        place = xp.reshape(self.place, (-1,))
        whole = (xp.reshape(xp.take(value, place), self.mask.shape) for value in values)
        return [xp.where(self.mask, new, plane) for plane, new in zip(planes, whole, strict=True)]


def marked(mask: Array) -> Marked | None:
    """Find the marked elements of a mask; None if there are none.

    Their number is what the host must know to size arrays: a device is waited for once. This is for loops that few
    elements go through often, where one more round over all elements would take longer than the wait.
    """
    xp = array_namespace(mask)
    count = xp.cumulative_sum(xp.astype(xp.reshape(mask, (-1,)), xp.int64))
    total = int(count[-1])
    if total == 0:
        return None
    ordinal = xp.arange(1, total + 1, dtype=xp.int64, device=device(mask))
    place = xp.where(mask, xp.reshape(count, mask.shape) - 1, 0)
    return Marked(mask, place, xp.searchsorted(count, ordinal))
