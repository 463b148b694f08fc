"""Arrays as kernels take them."""

import itertools
import math

import numpy as np


def in_place(x: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
    """`frozen`, and where ``x`` begins in it, an index: the array that ``x`` has all columns of, or else a copy of it.

    Cutting off rows or groups thus copies nothing.
    """
    whole = _cut_from(x)
    if whole is None:
        return frozen(x), (0,) * x.ndim
    offset = (x.ctypes.data - whole.ctypes.data) // x.itemsize
    return frozen(whole), tuple(int(k) for k in np.unravel_index(offset, whole.shape))


def _cut_from(x: np.ndarray) -> np.ndarray | None:
    """The contiguous array of as many axes that ``x`` is a cut of, with all of the last one; None if there is none."""
    base = x.base
    if not isinstance(base, np.ndarray) or base.dtype != x.dtype or not base.flags.c_contiguous or not x.size:
        return None
    if min(x.strides) < x.itemsize:
        return None
    lengths = [outer // inner for outer, inner in itertools.pairwise(x.strides)]
    if 0 in lengths or base.size % math.prod(lengths):
        return None
    whole = base.reshape(-1, *lengths)
    return whole if whole.strides == x.strides and whole.shape[-1] == x.shape[-1] else None


def frozen(x: np.ndarray) -> np.ndarray:
    """A contiguous, read-only view, or copy if need be, so that there is one type of argument to compile for.

    A kernel that writes to it does not compile.
    """
    view = np.ascontiguousarray(x).view()
    view.flags.writeable = False
    return view
