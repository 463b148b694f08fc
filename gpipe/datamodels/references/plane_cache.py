"""Planes of references that stay in memory between exposures: those used last, as long as they fit."""

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable

from array_api_compat import array_namespace

from gpipe.arrays import Array
from gpipe.backends import Backend
from gpipe.forks import Lock

_ITEM_BYTES, _COMPLEX_BYTES = 4, 8

_lock = Lock()
_planes: OrderedDict[Hashable, Array] = OrderedDict()
_loading: dict[Hashable, Lock] = {}
_held = 0


def cached(key: Hashable, backend: Backend, load: Callable[[], Array]) -> Array:
    """The plane that was loaded under this key, or what ``load`` gives. Planes are never written to.

    Threads that ask for one plane at the same time wait for the first of them, so that it is read once.
    """
    with _lock:
        if (plane := _found(key, backend)) is not None:
            return plane
        gate = _loading.setdefault(key, Lock())
    with gate:
        return _loaded(key, backend, load)


def _loaded(key: Hashable, backend: Backend, load: Callable[[], Array]) -> Array:
    with _lock:
        if (plane := _found(key, backend)) is not None:
            return plane
    try:
        plane = load()
        with _lock:
            _hold(key, plane)
            _keep_within(backend)
        return plane
    finally:
        with _lock:
            _loading.pop(key, None)


def _found(key: Hashable, backend: Backend) -> Array | None:
    if (plane := _planes.get(key)) is not None:
        _planes.move_to_end(key)
        _keep_within(backend)
    return plane


def _hold(key: Hashable, plane: Array) -> None:
    global _held
    _held += _bytes(plane) - (_bytes(_planes.pop(key)) if key in _planes else 0)
    _planes[key] = plane


def _keep_within(backend: Backend) -> None:
    global _held
    limit = backend.plane_bytes(_held)
    while _planes and _held > limit:
        _held -= _bytes(_planes.popitem(last=False)[1])


def _bytes(plane: Array) -> int:
    is_complex = array_namespace(plane).isdtype(plane.dtype, "complex floating")
    return (_COMPLEX_BYTES if is_complex else _ITEM_BYTES) * math.prod(plane.shape)


def held_bytes() -> int:
    """Memory that the planes take."""
    return _held


def forget() -> None:
    """Drop all planes."""
    global _held
    with _lock:
        _planes.clear()
        _held = 0
