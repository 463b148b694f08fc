"""Planes: the arrays that a kind of exposure is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from gpipe.arrays import Array

ALL = slice(None)
SCIENCE_AXES = frozenset("igyx")


@dataclass(frozen=True)
class Plane:
    """An array of a kind of exposure.

    Attributes
    ----------
    axes : a letter for each axis: ``i`` integration, ``g`` group, ``y`` row, ``x`` column, as in ``"igyx"``; either of
        two in ``"iyx|yx"``, the longer one first. Other letters are axes that only some planes have (``s`` stripe,
        ``r`` column of the reference output): they are never cut.
    dtype : the type in memory, whatever that in the file.
    optional : whether an exposure may lack the plane, which is None then.
    extension : EXTNAME; the name in capitals if None.
    zeros : whether a file may lack the plane, which is zeros then.
    announced_by : the place in the metadata that must be true, or the plane of a file is not read; always read if None.
    product_only : whether the plane is part of products only: where a run makes none, it is not read.
    """

    axes: str
    dtype: str = "float32"
    optional: bool = False
    extension: str | None = None
    zeros: bool = False
    announced_by: str | None = None
    product_only: bool = False

    def axes_of(self, ndim: int) -> str:
        """The axes of an array with so many of them."""
        return next(axes for axes in self.axes.split("|") if len(axes) == ndim)

    def part(self, x: Array, where: Mapping[str, slice]) -> Array:
        """A view of some rows, columns or integrations, given by letter; the array has other axes whole."""
        return x[tuple(where.get(axis, ALL) for axis in self.axes_of(x.ndim))]

    def resized(self, shape: tuple[int, ...], axis: str, size: int) -> tuple[int, ...]:
        """The shape with another size of one axis, if the plane has it."""
        return tuple(size if a == axis else n for a, n in zip(self.axes_of(len(shape)), shape, strict=True))

    def shape(self, sizes: Mapping[str, int]) -> tuple[int | None, ...]:
        """The shape where axes have these sizes; None for an axis whose size nobody else has."""
        axes = next(axes for axes in self.axes.split("|") if SCIENCE_AXES & set(axes) <= sizes.keys())
        return tuple(sizes.get(axis) for axis in axes)

    def fits(self, shape: tuple[int, ...], sizes: Mapping[str, int]) -> bool:
        """Tell whether an array of this shape is such a plane where axes have these sizes."""
        expected = self.shape(sizes)
        return len(shape) == len(expected) and all(m in (n, None) for n, m in zip(shape, expected, strict=True))

    def takes(self, values: np.dtype) -> bool:
        """Tell whether values of a type can become the plane's: flags must keep all of their bits."""
        wanted = np.dtype(self.dtype)
        if wanted.kind == "f":
            return values.kind in "iuf"
        same_size = values.kind in "iu" and values.itemsize == wanted.itemsize
        return same_size or bool(np.can_cast(values, wanted) and values.kind in "iu")

    def nbytes(self, shape: tuple[int | None, ...]) -> int:
        """Bytes of such a plane; an axis of unknown size counts once."""
        return np.dtype(self.dtype).itemsize * prod(size or 1 for size in shape)


def has_layout(axes: str, ndim: int) -> bool:
    """Tell whether ``axes``, as of a `Plane`, may be so many."""
    return ndim in map(len, axes.split("|"))


def extension(planes: Mapping[str, Plane], name: str) -> str:
    """The EXTNAME of an array, whether it is one of the planes or not."""
    return (planes[name].extension if name in planes else None) or name.upper()


def nbytes(planes: Mapping[str, Plane], sizes: Mapping[str, int]) -> int:
    """Bytes of one of each of the planes."""
    return sum(plane.nbytes(plane.shape(sizes)) for plane in planes.values())


def product_only(planes: Mapping[str, Plane]) -> tuple[str, ...]:
    """Names of planes that only products hold."""
    return tuple(name for name, plane in planes.items() if plane.product_only)
