"""Planes of references that stay on a device between exposures: those used last, as long as they fit."""

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from gpipe.arrays import Array
from gpipe.backends import Backend

SHARE = 2
"""Planes may take one part in so many of the memory that is free on the device, and that they take already."""
_ITEM_BYTES = 4

_lock = threading.Lock()
_planes: OrderedDict[Hashable, Array] = OrderedDict()


def kept(key: Hashable, backend: Backend, load: Callable[[], Array]) -> Array:
    """The plane that was loaded under this key, or what ``load`` gives. Planes are never written to.

    In host memory nothing is kept: the system keeps the files.
    """
    if backend.name == "numpy":
        return load()
    with _lock:
        plane = _planes.pop(key, None)
    if plane is None:
        plane = load()
    with _lock:
        _planes[key] = plane
        limit = (backend.free_bytes() + held_bytes()) // SHARE
        while _planes and held_bytes() > limit:
            _planes.popitem(last=False)
    return plane


def held_bytes() -> int:
    """Memory that the planes take."""
    return sum(_ITEM_BYTES * math.prod(plane.shape) for plane in _planes.values())


def forget() -> None:
    """Drop all planes."""
    with _lock:
        _planes.clear()
